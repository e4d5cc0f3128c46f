//! A sink's secret: from its file, or from the environment variable that the block names.

use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt;

use ingest::secret::Secret;
use ingest::siem::Reach;

use super::keys::{Keys, Kind};

/// The secret, if the block names one. The error names the key, and never shows what the file holds.
pub(super) fn read(keys: &Keys) -> Result<Option<Secret>, String> {
    let (key, read) = match (&keys.secret_file, &keys.secret_env) {
        (Some(path), _) => (
            "secret_file",
            fs::read_to_string(path).map_err(|e| format!("cannot read the secret from {}: {e}", path.display())),
        ),
        (None, Some(name)) => ("secret_env", env::var(name).map_err(|_| format!("the environment has no {name}"))),
        (None, None) => return Ok(None),
    };
    let secret = read.map_err(|why| format!("{key}: {why}"))?;
    match secret.trim_end_matches(['\r', '\n']) {
        "" => Err(format!("{key}: the secret is empty")),
        text if text.contains(['\r', '\n']) => Err(format!("{key}: the secret has several lines")),
        text => Ok(Some(Secret::new(text))),
    }
}

/// Who else may read what should be secret.
pub(super) fn remarks(keys: &Keys, kind: Kind) -> Vec<String> {
    let files = [("secret_file", &keys.secret_file), ("client_key", &keys.client_key)];
    let open = files.into_iter().filter_map(|(key, path)| {
        let path = path
            .as_ref()
            .filter(|path| fs::metadata(path).is_ok_and(|meta| meta.permissions().mode() & 0o007 != 0))?;
        let path = path.display();
        Some(format!("{key}: every user of this machine may read {path}: `chmod o= {path}`"))
    });
    // A webhook's secret signs and stays here.
    let sends = kind != Kind::Webhook && (keys.secret_file.is_some() || keys.secret_env.is_some());
    let clear = keys.urls().filter(|(_, url)| sends && ingest::siem::reach(url) == Ok(Reach::Anybody));
    let clear =
        clear.map(|(key, _)| format!("{key}: over http everybody on the way reads the secret: write https"));
    open.chain(clear).collect()
}
