//! The words of the catalogue: services, patterns and what may be said about them.

use jiff::civil::Date;

use crate::words::words;

/// One AI service, or the AI part of a larger product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Stable kebab-case id; records, policies and reports use it.
    pub id: String,
    /// The name that people know.
    pub name: String,
    /// Who runs it.
    pub vendor: String,
    /// What it is mainly for.
    pub category: Category,
    /// How it is reached. At least one.
    pub access: Vec<Access>,
    /// What goes in or comes out. At least one.
    pub modality: Vec<Modality>,
    /// ISO 3166 code of the vendor's seat, where known. Not a claim about where data is kept.
    pub country: Option<String>,
    /// Where an assessor starts reading.
    pub homepage: Option<String>,
    /// What a reader of a report must know about this service.
    pub note: Option<String>,
    /// What its vendor promises, where somebody has read it.
    pub vetting: Option<Vetting>,
    /// Its hosts, in the order of the file.
    pub patterns: Vec<Pattern>,
    /// Catalogue file that declares it.
    pub file: String,
    /// Line of its block in that file.
    pub line: usize,
}

/// What a vendor promises about the data that its service is given. Absent is unknown, never good or bad.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vetting {
    /// How long inputs are kept, in the words of the source.
    pub retention: Option<String>,
    /// Whether inputs train models, in the words of the source.
    pub training: Option<String>,
    /// Certifications that the source names, such as `ISO 27001`. Empty when it names none.
    pub certifications: Vec<String>,
    /// Where this was read.
    pub source: String,
}

/// One host pattern of a service: the evidence line of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    /// Lower-case ASCII host name, with `*` in a glob.
    pub text: String,
    /// How the text is compared.
    pub kind: Kind,
    /// What the host does for the service.
    pub role: Role,
    /// How sure it is that this host means this service.
    pub strength: Strength,
    /// The licence that the name tells; `None` where it tells none, which is nearly everywhere.
    pub plan: Option<Plan>,
    /// The name holds a customer's own label; [`Hit::tenant`](super::Hit::tenant) cuts it out.
    pub tenant: bool,
    /// Where the fact was read.
    pub source: String,
    /// When it was judged.
    pub date: Date,
    /// Catalogue file that holds it.
    pub file: String,
    /// Line in that file.
    pub line: usize,
    /// A trap or a limit.
    pub note: Option<String>,
}

words! {
    /// How a pattern's text is compared with a host.
    pub enum Kind, "kind" {
        /// The host itself and every name below it, cut at a label boundary.
        Suffix = "suffix",
        /// The host itself only.
        Exact = "exact",
        /// The whole host; `*` stands for one or more of `[a-z0-9_-]` and never for a dot.
        Glob = "glob",
    }
}

words! {
    /// What a host does for its service. The order is the order of hosts inside a service's block.
    pub enum Role, "role" {
        /// People type here: the page and its own back end.
        App = "app",
        /// Programs ask here.
        Api = "api",
        /// Files go up here.
        Upload = "upload",
        /// Results or programs come down here.
        Download = "download",
        /// Static content, marketing, documentation: loaded without use.
        Cdn = "cdn",
        /// Sign-in.
        Auth = "auth",
        /// Counters, crash reports, feature flags: sent without use.
        Telemetry = "telemetry",
        /// Model weights come down here.
        ModelRegistry = "model-registry",
        /// The host also serves things that are not AI; no host name can tell them apart.
        Shared = "shared",
    }
}

words! {
    /// How sure it is that a host means its service.
    pub enum Strength, "strength" {
        /// The vendor or several independent sources say so.
        Definite = "definite",
        /// One good source, or a host that also serves something related.
        Likely = "likely",
        /// Belongs to the vendor, but contact with it says nothing about use.
        Weak = "weak",
    }
}

words! {
    /// The licence that a host's name tells. A fact about the flow that policy can use.
    pub enum Plan, "plan" {
        /// A person's own account, free or paid.
        Individual = "individual",
        /// An organisation's account.
        Business = "business",
        /// An organisation's account of the largest kind, such as one with data residency.
        Enterprise = "enterprise",
    }
}

words! {
    /// What a service is mainly for.
    pub enum Category, "category" {
        /// Assistants that people talk to.
        Chat = "chat",
        /// Help in editors and builders of programs.
        CodeAssistant = "code-assistant",
        /// Models for programs.
        Api = "api",
        /// Answer engines and research tools.
        Search = "search",
        /// Pictures.
        Image = "image",
        /// Moving pictures.
        Video = "video",
        /// Speech and music.
        Audio = "audio",
        /// Texts, slides, translation.
        Writing = "writing",
        /// Recorders and summarisers of meetings.
        Notetaker = "notetaker",
        /// Programs that act on their own.
        Agent = "agent",
        /// Platforms for data with models inside.
        DataPlatform = "data-platform",
        /// Collections of model weights.
        ModelHub = "model-hub",
        /// Models that run on the device.
        LocalModel = "local-model",
        /// AI inside a product that is bought for something else.
        EmbeddedSaas = "embedded-saas",
        /// Browsers with an assistant built in.
        AiBrowser = "ai-browser",
    }
}

words! {
    /// How a service is reached.
    pub enum Access, "access" {
        /// By a browser or the vendor's own application.
        Web = "web",
        /// By programs.
        Api = "api",
        /// On the device or the local network.
        Local = "local",
        /// Inside another product.
        Embedded = "embedded",
    }
}

words! {
    /// What goes in or comes out.
    pub enum Modality, "modality" {
        /// Written language.
        Text = "text",
        /// Programs.
        Code = "code",
        /// Pictures.
        Image = "image",
        /// Sound.
        Audio = "audio",
        /// Moving pictures.
        Video = "video",
    }
}
