//! What a flow was for, as far as its totals tell, and what kind of client made it. Words only: the sensor counts and
//! decides them while the flow is open, so that nothing but the word leaves the flow table.

mod classify;

use crate::words::words;
pub use classify::{SPEECH_MIN, Totals, classify};

words! {
    /// What a flow, or a device's day with a service, was for. Later is weightier: see [`Behaviour::of_day`].
    pub enum Behaviour, "behaviour" {
        /// Connected, and nothing was asked.
        Idle = "idle",
        /// Small reports in a regular rhythm.
        Telemetry = "telemetry",
        /// Pages and their parts were loaded.
        PageView = "page-view",
        /// Model weights were fetched.
        ModelDownload = "model-download",
        /// A person's questions and their answers.
        Chat = "chat",
        /// Small packets both ways without a pause, as speech is sent.
        Voice = "voice",
        /// A document or picture was sent.
        FileUpload = "file-upload",
        /// A program's calls, alike in size.
        ApiBatch = "api-batch",
        /// A program's calls that grow, because each sends again what was said before.
        AgentLoop = "agent-loop",
        /// Very much was sent.
        Bulk = "bulk",
    }
}

words! {
    /// What kind of software the client is, as far as its hello tells. A hello can be imitated, so a browser's hello
    /// that lacks a browser's other habits is `unknown`.
    pub enum ClientKind, "client kind" {
        /// A browser, or an application that is one inside.
        Browser = "browser",
        /// A library or command line tool.
        Program = "program",
        /// Cannot be told.
        Unknown = "unknown",
    }
}

impl Behaviour {
    /// The word for a day, or for several flows together: the weightiest of them.
    pub fn of_day(flows: impl IntoIterator<Item = Self>) -> Self {
        flows.into_iter().max().unwrap_or(Self::Idle)
    }
}
