//! Signed bundles and the catalogue in force: what is refused, and that a refusal changes nothing.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic in a test is its failure message")]

use std::{fs, path::PathBuf, sync::Arc};

use rules::catalogue::{
    Catalogue, Live,
    bundle::{Bundle, BundleError, Contents, Mode, PublicKey, SigningKey},
};

fn key(digit: char) -> SigningKey {
    SigningKey::from_text(&digit.to_string().repeat(64)).unwrap()
}

fn file(id: &str, host: &str) -> String {
    format!(
        "[[service]]\nid = \"{id}\"\nname = \"N\"\nvendor = \"V\"\ncategory = \"chat\"\naccess = [\"web\"]\nmodality = [\"text\"]\nhosts = [\n{{ suffix = \"{host}\", role = \"app\", strength = \"likely\", source = \"t\", date = 2026-11-20 }},\n]\n"
    )
}

fn contents(serial: u64, mode: Mode, files: &[(&str, String)]) -> Contents {
    let files = files.iter().map(|(name, text)| ((*name).to_owned(), text.clone())).collect();
    Contents { serial, created: "2026-11-20".parse().unwrap(), mode, files }
}

fn own(serial: u64) -> Contents {
    contents(serial, Mode::Extend, &[("own.toml", file("own", "llm.example.org"))])
}

fn open(bytes: &[u8], newer_than: Option<u64>) -> Result<Bundle, BundleError> {
    Bundle::open(bytes, &key('1').public(), newer_than)
}

#[test]
fn what_is_sealed_opens_again() {
    let bytes = Bundle::seal(&own(7), &key('1')).unwrap();
    let bundle = open(&bytes, Some(6)).unwrap();
    assert_eq!(bundle.contents, own(7));
    assert_eq!(bundle.catalogue.find("llm.example.org").unwrap().service.id, "own");
    assert!(bundle.catalogue.find("claude.ai").is_some());
    assert_eq!(Bundle::seal(&own(7), &key('1')).unwrap(), bytes, "one encoding");
    let head = "shadowtap-catalogue 1\nserial 7\ncreated 2026-11-20\nmode extend\nfile own.toml ";
    assert!(bytes.starts_with(head.as_bytes()));
}

#[test]
fn a_replacing_bundle_is_all_there_is() {
    let files = [("own.toml", file("own", "llm.example.org"))];
    let bytes = Bundle::seal(&contents(1, Mode::Replace, &files), &key('1')).unwrap();
    let bundle = open(&bytes, None).unwrap();
    assert_eq!(bundle.catalogue.services().len(), 1);
    assert!(bundle.catalogue.find("claude.ai").is_none());
}

#[test]
fn another_key_or_any_changed_byte_is_refused() {
    let bytes = Bundle::seal(&own(7), &key('1')).unwrap();
    let error = Bundle::open(&bytes, &key('2').public(), None).unwrap_err();
    assert_eq!(
        error.to_string(),
        "wrong signature: the file was changed after signing, or signed with another key"
    );
    for at in 0..bytes.len() {
        let mut bad = bytes.clone();
        bad[at] ^= 1;
        assert!(open(&bad, None).is_err(), "byte {at}");
    }
}

#[test]
fn a_bundle_cut_anywhere_is_refused() {
    let bytes = Bundle::seal(&own(7), &key('1')).unwrap();
    for end in 0..bytes.len() {
        assert!(open(&bytes[..end], None).is_err(), "cut at {end}");
    }
    assert!(matches!(open(&bytes[..bytes.len() - 1], None), Err(BundleError::Unsigned)));
    assert!(matches!(open(&[bytes.as_slice(), b"\n"].concat(), None), Err(BundleError::Unsigned)));
}

#[test]
fn an_older_or_equal_serial_is_refused() {
    let bytes = Bundle::seal(&own(7), &key('1')).unwrap();
    for have in [7, 8, u64::MAX] {
        let error = open(&bytes, Some(have)).unwrap_err();
        assert_eq!(error.to_string(), format!("serial 7 is not newer than {have}: a bundle never goes back"));
    }
}

#[test]
fn an_unknown_form_is_named_before_its_signature() {
    let expect = "unknown form: expected a file that begins with `shadowtap-catalogue 1\n`";
    for bytes in [&b""[..], b"[[service]]\n", b"shadowtap-catalogue 2\nserial 1\n"] {
        assert_eq!(open(bytes, None).unwrap_err().to_string(), expect.replace("\n`", "`"));
    }
}

#[test]
fn what_could_not_be_opened_is_not_sealed() {
    let seal = |mode, name: &str, text: String| Bundle::seal(&contents(1, mode, &[(name, text)]), &key('1'));
    let error = seal(Mode::Extend, "own.toml", "x =".to_owned()).unwrap_err();
    assert!(error.to_string().starts_with("own.toml:1: not TOML"), "{error}");
    assert!(matches!(seal(Mode::Replace, "own.toml", "# nothing\n".to_owned()), Err(BundleError::Empty)));
    for name in ["../own.toml", "Own.toml", "own", ".toml", "a b.toml"] {
        let error = seal(Mode::Extend, name, file("own", "llm.example.org")).unwrap_err();
        assert!(matches!(error, BundleError::Broken { line: 5, .. }), "{name}: {error}");
    }
}

/// A folder of one test that goes away with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("rules-bundle-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, bytes).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn the_catalogue_in_force_is_swapped_only_on_success() {
    let folder = Folder::new("swap");
    let live = Live::new(Some(key('1').public()), None);
    let before = live.current();
    let good = folder.write("good", &Bundle::seal(&own(2), &key('1')).unwrap());
    let other = folder.write("other", &Bundle::seal(&own(3), &key('2')).unwrap());
    let stale = folder.write("stale", &Bundle::seal(&own(1), &key('1')).unwrap());

    let swapped = live.reload(&good).unwrap();
    assert!(Arc::ptr_eq(&swapped, &live.current()));
    assert_ne!(before.version(), live.current().version());
    assert!(before.find("llm.example.org").is_none(), "who holds the old one keeps it");
    assert_eq!((live.generation(), live.serial()), (1, Some(2)));

    for path in [&other, &stale, &good, &folder.0.join("none")] {
        let error = live.reload(path).unwrap_err().to_string();
        assert!(error.starts_with(&path.display().to_string()), "{error}");
        assert!(error.ends_with("; the catalogue in force stays"), "{error}");
        assert!(Arc::ptr_eq(&swapped, &live.current()));
        assert_eq!((live.generation(), live.serial()), (1, Some(2)));
    }
}

#[test]
fn a_folder_reloads_and_a_broken_one_does_not() {
    let folder = Folder::new("folder");
    let live = Live::new(None, None);
    folder.write("own.toml", file("own", "llm.example.org").as_bytes());
    live.reload(&folder.0).unwrap();
    assert!(live.current().find("llm.example.org").is_some());
    folder.write("own.toml", b"[[service]]\n");
    let error = live.reload(&folder.0).unwrap_err().to_string();
    assert!(error.contains("own.toml:1: `service.id`: missing"), "{error}");
    assert!(live.current().find("llm.example.org").is_some());
    let bundle = folder.write("bundle", &Bundle::seal(&own(1), &key('1')).unwrap());
    assert!(live.reload(&bundle).unwrap_err().to_string().contains("no public key is configured"));
}

#[test]
fn a_bundle_and_a_folder_lie_over_each_other() {
    let folder = Folder::new("layers");
    let live = Live::new(Some(key('1').public()), Some(4));
    let own = Folder::new("layers-own");
    own.write("gateway.toml", file("gateway", "gateway.example.org").as_bytes());
    live.reload(&own.0).unwrap();
    let replace = contents(5, Mode::Replace, &[("own.toml", file("own", "llm.example.org"))]);
    let bundle = folder.write("bundle", &Bundle::seal(&replace, &key('1')).unwrap());
    let both = live.reload(&bundle).unwrap();
    let ids: Vec<&str> = both.services().iter().map(|service| service.id.as_str()).collect();
    assert_eq!(ids, ["gateway", "own"]);
    own.write("gateway.toml", file("own", "gateway.example.org").as_bytes());
    let error = live.reload(&own.0).unwrap_err().to_string();
    assert!(error.contains("own is declared at gateway.toml:1 already"), "{error}");
    assert!(Arc::ptr_eq(&both, &live.current()));
}

#[test]
fn any_catalogue_can_be_held() {
    let text = file("own", "llm.example.org");
    let live = Live::from(Catalogue::parse([("own.toml", text.as_str())]).unwrap());
    assert_eq!(live.current().services().len(), 1);
    assert_eq!((live.generation(), live.serial()), (0, None));
}

#[test]
fn keys_are_text_files() {
    let folder = Folder::new("keys");
    let secret = SigningKey::generate().unwrap();
    let path = folder.write("key", secret.to_text().as_bytes());
    let public = folder.write("key.pub", secret.public().to_text().as_bytes());
    assert_eq!(SigningKey::load(&path).unwrap().public(), PublicKey::load(&public).unwrap());
    assert!(PublicKey::load(&folder.0.join("none")).unwrap_err().to_string().contains("none: "));
}
