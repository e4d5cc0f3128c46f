//! Readers that are not ours: Python's `json`, `cefp` from PyPI (`read.py`), and the crate `syslog_rfc5424`.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

/// An event by path of field.
pub type Fields = BTreeMap<String, String>;

/// Python with `cefp`.
pub struct Python {
    modules: String,
}

impl Python {
    /// None when Python or the package cannot be had; a failure instead where they have to be.
    pub fn find() -> Option<Self> {
        let modules = concat!(env!("CARGO_TARGET_TMPDIR"), "/cefp-0.0.2").to_owned();
        let there = Path::new(&modules).join("cefp.py").exists();
        let pip = ["-m", "pip", "install", "-q", "--no-deps", "--target", &modules, "cefp==0.0.2"];
        let installed = || {
            Command::new("python3").args(pip).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
        };
        if there || installed() {
            return Some(Self { modules });
        }
        let must = std::env::var("SHADOWTAP_CI").as_deref() == Ok("1");
        assert!(!must, "python3 with pip is needed to read CEF: apt-get install python3-pip");
        println!("skipped: python3 -m pip cannot install cefp");
        None
    }

    /// What each event holds. Events are `json` or `cef` with a space and the event.
    pub fn read(&self, events: &[String]) -> Vec<Fields> {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/hostile/read.py");
        let mut python = Command::new("python3")
            .arg(script)
            .env("PYTHONPATH", &self.modules)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = python.stdin.take().unwrap();
        let text = events.iter().map(|event| format!("{event}\n")).collect::<String>();
        let writer = thread::spawn(move || input.write_all(text.as_bytes()).unwrap());
        let output = python.wait_with_output().unwrap();
        writer.join().unwrap();
        assert!(output.status.success(), "read.py failed");
        let mut read = vec![Fields::new()];
        for line in String::from_utf8(output.stdout).unwrap().lines() {
            match line.split_once('\t') {
                Some((path, hex)) => drop(read.last_mut().unwrap().insert(path.to_owned(), text_of(hex))),
                None => read.push(Fields::new()),
            }
        }
        read.pop();
        read
    }
}

fn text_of(hex: &str) -> String {
    let bytes = hex.as_bytes().chunks(2).map(|two| u8::from_str_radix(str::from_utf8(two).unwrap(), 16).unwrap());
    String::from_utf8(bytes.collect()).unwrap()
}

/// A syslog receiver that keeps all bytes.
pub struct Receiver {
    pub address: String,
    bytes: Arc<Mutex<Vec<u8>>>,
}

impl Receiver {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&bytes);
        // Ends with the test's process: nobody else knows the port.
        thread::spawn(move || {
            for connection in listener.incoming() {
                let mut connection = connection.unwrap();
                let mut buffer = [0; 65536];
                while let Ok(length @ 1..) = connection.read(&mut buffer) {
                    kept.lock().unwrap().extend_from_slice(&buffer[..length]);
                }
            }
        });
        Self { address, bytes }
    }

    /// The messages so far, by their counted octets.
    pub fn messages(&self) -> Vec<String> {
        let bytes = self.bytes.lock().unwrap();
        let mut rest = str::from_utf8(&bytes).unwrap();
        let mut messages = Vec::new();
        while let Some((length, more)) = rest.split_once(' ') {
            let (message, more) = more.split_at(length.parse().unwrap());
            messages.push(message.to_owned());
            rest = more;
        }
        assert_eq!(rest, "", "bytes after the last message");
        messages
    }
}
