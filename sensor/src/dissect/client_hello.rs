//! The ClientHello message (RFC 8446 section 4.1.2) and the extensions that name the server.

use tls_parser::{TlsMessage, TlsMessageHandshake, parse_tls_message_handshake};

use super::{MAX_NAME, clean_name};
use crate::bytes::{Reader, Short};

/// Extension types (IANA TLS ExtensionType registry).
pub mod extension {
    /// server_name, RFC 6066.
    pub const SERVER_NAME: u16 = 0x0000;
    /// status_request, RFC 6066.
    pub const STATUS_REQUEST: u16 = 0x0005;
    /// ec_point_formats, RFC 8422.
    pub const EC_POINT_FORMATS: u16 = 0x000b;
    /// signature_algorithms, RFC 8446.
    pub const SIGNATURE_ALGORITHMS: u16 = 0x000d;
    /// application_layer_protocol_negotiation, RFC 7301.
    pub const ALPN: u16 = 0x0010;
    /// signed_certificate_timestamp, RFC 6962.
    pub const CERTIFICATE_TIMESTAMP: u16 = 0x0012;
    /// padding, RFC 7685.
    pub const PADDING: u16 = 0x0015;
    /// extended_master_secret, RFC 7627.
    pub const EXTENDED_MASTER_SECRET: u16 = 0x0017;
    /// compress_certificate, RFC 8879: Chromium, Firefox, Safari.
    pub const COMPRESS_CERTIFICATE: u16 = 0x001b;
    /// record_size_limit, RFC 8449: Firefox, GnuTLS.
    pub const RECORD_SIZE_LIMIT: u16 = 0x001c;
    /// delegated_credential, RFC 9345: Firefox.
    pub const DELEGATED_CREDENTIAL: u16 = 0x0022;
    /// session_ticket, RFC 5077.
    pub const SESSION_TICKET: u16 = 0x0023;
    /// pre_shared_key, RFC 8446.
    pub const PRE_SHARED_KEY: u16 = 0x0029;
    /// early_data, RFC 8446.
    pub const EARLY_DATA: u16 = 0x002a;
    /// supported_versions, RFC 8446.
    pub const SUPPORTED_VERSIONS: u16 = 0x002b;
    /// cookie, RFC 8446.
    pub const COOKIE: u16 = 0x002c;
    /// quic_transport_parameters, RFC 9001.
    pub const QUIC_PARAMETERS: u16 = 0x0039;
    /// renegotiation_info, RFC 5746.
    pub const RENEGOTIATION: u16 = 0xff01;
    /// application_settings before its number changed: Chromium to 2024.
    pub const ALPS_OLD: u16 = 0x4469;
    /// application_settings, draft-vvv-tls-alps: Chromium.
    pub const ALPS: u16 = 0x44cd;
    /// channel_id, a draft that Chromium once sent.
    pub const CHANNEL_ID: u16 = 0x7550;
    /// encrypted_client_hello, RFC 9849.
    pub const ECH: u16 = 0xfe0d;
    /// encrypted_server_name, the draft that ECH replaced.
    pub const ESNI: u16 = 0xffce;
}

/// Bytes of a ClientHello besides its lists.
const FIXED: usize = 4 + 2 + 32 + 1 + 2 + 1;
/// Extensions in one hello. Real clients send about twenty, test suites sixty.
const MAX_EXTENSIONS: usize = 256;
/// Application protocols that are kept. Clients offer two or three.
const MAX_ALPN: usize = 16;
/// The longest registered protocol id has 23 bytes.
const MAX_ALPN_BYTES: usize = 32;

/// A parsed ClientHello; slices borrow from the message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClientHello<'a> {
    /// Version field of the message, not that of supported_versions.
    pub legacy_version: u16,
    /// Cipher suites in the client's order, GREASE included.
    pub ciphers: Vec<u16>,
    /// Extension types in the client's order, GREASE included.
    pub extensions: Vec<u16>,
    /// Versions of supported_versions, GREASE included.
    pub versions: Vec<u16>,
    /// Signature algorithms in the client's order.
    pub signature_algorithms: Vec<u16>,
    /// Application protocols in the client's order.
    pub alpn: Vec<&'a [u8]>,
    server_name: Option<&'a [u8]>,
}

impl<'a> ClientHello<'a> {
    /// Parses a whole handshake message (four-byte header and body). `None` when it is malformed.
    pub fn parse(message: &'a [u8]) -> Option<Self> {
        let (rest, TlsMessage::Handshake(TlsMessageHandshake::ClientHello(body))) =
            parse_tls_message_handshake(message).ok()?
        else {
            return None;
        };
        // The parser passes over extensions that do not fit into the message. Header, version, random, and the lengths of
        // session id, ciphers and compression have these bytes; the rest are the lists themselves.
        let lists = [
            FIXED,
            body.session_id.map_or(0, <[u8]>::len),
            body.ciphers.len().saturating_mul(2),
            body.comp.len(),
            body.ext.map_or(0, |ext| ext.len().saturating_add(2)),
        ];
        let read = lists.iter().fold(0_usize, |sum, length| sum.saturating_add(*length));
        if !rest.is_empty() || read != message.len() {
            return None;
        }
        let mut hello = Self {
            legacy_version: body.version.0,
            ciphers: body.ciphers.iter().map(|c| c.0).collect(),
            ..Self::default()
        };
        hello.read_extensions(body.ext.unwrap_or_default()).ok()?;
        Some(hello)
    }

    /// The numbers alone: what does not borrow from the message.
    pub fn without_names(self) -> ClientHello<'static> {
        let Self { legacy_version, ciphers, extensions, versions, signature_algorithms, .. } = self;
        ClientHello {
            legacy_version,
            ciphers,
            extensions,
            versions,
            signature_algorithms,
            ..ClientHello::default()
        }
    }

    /// The server name: lower case, without a final dot; absent when there is none or it is empty.
    pub fn sni(&self) -> Option<String> {
        self.server_name.and_then(clean_name)
    }

    /// True when a server_name extension is present, whatever it holds.
    pub fn has_sni_extension(&self) -> bool {
        self.extensions.contains(&extension::SERVER_NAME)
    }

    /// True when the encrypted_client_hello extension is present, GREASE included.
    pub fn has_ech(&self) -> bool {
        self.extensions.contains(&extension::ECH)
    }

    /// True when the older encrypted_server_name extension is present.
    pub fn has_esni(&self) -> bool {
        self.extensions.contains(&extension::ESNI)
    }

    /// Application protocols as text: the first 16, each cut to 32 bytes, so that a record stays small and no client can
    /// put a message into it.
    pub fn alpn_text(&self) -> Vec<String> {
        let text = |protocol: &&[u8]| protocol.iter().take(MAX_ALPN_BYTES).map(|&b| char::from(b)).collect();
        self.alpn.iter().take(MAX_ALPN).map(text).collect()
    }

    fn read_extensions(&mut self, bytes: &'a [u8]) -> Result<(), Short> {
        let mut r = Reader::new(bytes);
        while !r.is_empty() {
            if self.extensions.len() == MAX_EXTENSIONS {
                return Err(Short);
            }
            let kind = r.u16()?;
            let data = r.vec16()?;
            self.extensions.push(kind);
            match kind {
                extension::SERVER_NAME => self.server_name = server_name(data)?.or(self.server_name),
                extension::ALPN => self.alpn = protocols(data)?,
                extension::SUPPORTED_VERSIONS => self.versions = numbers(Reader::new(data).vec8()?),
                extension::SIGNATURE_ALGORITHMS => self.signature_algorithms = numbers(Reader::new(data).vec16()?),
                _ => {}
            }
        }
        Ok(())
    }
}

/// The first host_name of a server_name_list. A list whose lengths do not add up tells no name: its beginning would be a
/// wrong one. A name that no server can have is as wrong.
fn server_name(data: &[u8]) -> Result<Option<&[u8]>, Short> {
    if data.is_empty() {
        return Ok(None);
    }
    let mut extension = Reader::new(data);
    let mut list = Reader::new(extension.vec16()?);
    let mut found = None;
    while !list.is_empty() {
        let kind = list.u8()?;
        let name = list.vec16()?;
        if kind == 0 && name.len() > MAX_NAME.saturating_add(1) {
            return Err(Short);
        }
        if kind == 0 && !name.is_empty() {
            found = found.or(Some(name));
        }
    }
    if extension.is_empty() { Ok(found) } else { Err(Short) }
}

fn protocols(data: &[u8]) -> Result<Vec<&[u8]>, Short> {
    let mut list = Reader::new(Reader::new(data).vec16()?);
    let mut found = Vec::new();
    while !list.is_empty() {
        found.push(list.vec8()?);
    }
    Ok(found)
}

fn numbers(bytes: &[u8]) -> Vec<u16> {
    bytes.as_chunks::<2>().0.iter().map(|pair| u16::from_be_bytes(*pair)).collect()
}
