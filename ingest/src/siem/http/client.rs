//! One HTTP/1.1 client for every receiver: each step has its bound, a redirect is an answer and is not followed (it
//! would carry the token elsewhere), and no proxy is taken from the environment.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use url::{Host, Position, Url};

use super::words::{self, Reply};
use crate::siem::channel::SendError;
use crate::siem::tls_words::{self, Files};
use crate::tls::{self, TlsError, TlsFiles};

/// A name that is not resolved in this time has no address.
const RESOLVE: Duration = Duration::from_secs(2);
/// A host that does not answer in this time is away.
const CONNECT: Duration = Duration::from_secs(2);
/// A host that does not finish the handshake in this time speaks no TLS.
const HANDSHAKE: Duration = Duration::from_secs(5);
/// One request with everything that it needs, from the name to the last byte of the answer.
const REQUEST: Duration = Duration::from_secs(15);
/// The longest answer: 500 events of which each is refused with 8 KB of reasons.
const ANSWER: usize = 4 << 20;
/// Addresses of a name that are tried.
const ADDRESSES: usize = 4;

/// Who this is.
const USER_AGENT: &str = concat!("shadowtap/", env!("CARGO_PKG_VERSION"));

/// A server and how to reach it.
pub(super) struct Client {
    sink: String,
    url: Url,
    host: String,
    port: u16,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    files: Files,
}

/// One POST.
pub(super) struct Call {
    /// Path with query, as [`Client::path`] makes it.
    pub(super) path: String,
    pub(super) content_type: &'static str,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    /// What no message may show, whatever the receiver writes into its answer.
    pub(super) hidden: Vec<String>,
    pub(super) body: Vec<u8>,
}

/// The connection of one chunk of events. It ends with the chunk: between chunks nothing runs that would notice that the
/// receiver closed it.
pub(super) struct Session<'a> {
    client: &'a Client,
    runtime: &'a Runtime,
    open: Option<SendRequest<Full<Bytes>>>,
}

impl Client {
    /// A client for the URL's server. Certificates are read; nothing is sent.
    pub(super) fn new(sink: &str, url: &str, files: &TlsFiles) -> Result<Self, TlsError> {
        let unusable = |why: String| TlsError::Setting { what: "the URL".to_owned(), why };
        let url = Url::parse(url).map_err(|e| unusable(e.to_string()))?;
        let host = match url.host() {
            Some(Host::Domain(name)) => name.to_owned(),
            Some(Host::Ipv4(ip)) => ip.to_string(),
            Some(Host::Ipv6(ip)) => ip.to_string(),
            None => return Err(unusable("it names no host".to_owned())),
        };
        let port = url.port_or_known_default().ok_or_else(|| unusable("it names no port".to_owned()))?;
        let tls = match url.scheme() {
            "http" => None,
            "https" => Some(secure(tls::config(files)?, &host).map_err(unusable)?),
            other => return Err(unusable(format!("{other} is neither http nor https"))),
        };
        Ok(Self { sink: sink.to_owned(), url, host, port, tls, files: Files::of(files) })
    }

    /// Path and query of the URL, with more segments and another query where they are given.
    pub(super) fn path(&self, segments: &[&str], query: Option<&str>) -> String {
        let mut url = self.url.clone();
        if let Ok(mut path) = url.path_segments_mut()
            && !segments.is_empty()
        {
            path.pop_if_empty().extend(segments);
        }
        if query.is_some() {
            url.set_query(query);
        }
        url[Position::BeforePath..Position::AfterQuery].to_owned()
    }

    /// The sink in whose name it speaks.
    pub(super) fn sink(&self) -> &str {
        &self.sink
    }

    /// Opens a session for some requests and closes everything behind it.
    pub(super) fn session<T>(&self, work: impl FnOnce(&mut Session<'_>) -> T) -> Result<T, SendError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|e| SendError::Connect { sink: self.sink.clone(), why: e.to_string() })?;
        let done = work(&mut Session { client: self, runtime: &runtime, open: None });
        // A name server that never answers keeps its thread; nobody waits for it.
        runtime.shutdown_background();
        Ok(done)
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, SendError> {
        let stream = self.dial().await?;
        match &self.tls {
            None => self.speak(TokioIo::new(stream)).await,
            Some((connector, name)) => {
                let shaken = timeout(HANDSHAKE, connector.connect(name.clone(), stream)).await;
                let stream = shaken
                    .map_err(|_| self.tls_error("no answer to the handshake".to_owned()))?
                    .map_err(|e| self.tls_error(tls_words::handshake(&e, self.files)))?;
                self.speak(TokioIo::new(stream)).await
            }
        }
    }

    async fn dial(&self) -> Result<TcpStream, SendError> {
        let failed = |why: String| SendError::Resolve { sink: self.sink.clone(), why };
        let found = timeout(RESOLVE, tokio::net::lookup_host((self.host.as_str(), self.port))).await;
        let found = found.map_err(|_| failed("the name server does not answer".to_owned()))?;
        let addresses: Vec<SocketAddr> = found.map_err(|e| failed(e.to_string()))?.take(ADDRESSES).collect();
        let mut last = "the name has no address".to_owned();
        for address in addresses {
            match timeout(CONNECT, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => {
                    // Without it the last piece of a request waits for an acknowledgement.
                    let _ = stream.set_nodelay(true);
                    return Ok(stream);
                }
                Ok(Err(e)) => last = e.to_string(),
                Err(_) => last = format!("no answer within {} s", CONNECT.as_secs()),
            }
        }
        Err(SendError::Connect { sink: self.sink.clone(), why: last })
    }

    async fn speak<S>(&self, stream: S) -> Result<SendRequest<Full<Bytes>>, SendError>
    where
        S: hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
    {
        let (sender, connection) = http1::handshake(stream).await.map_err(|e| self.broken(&e))?;
        // Its error is the request's, too.
        tokio::spawn(async { connection.await.unwrap_or_default() });
        Ok(sender)
    }

    fn request(&self, call: Call) -> Result<Request<Full<Bytes>>, SendError> {
        let mut request = Request::post(&call.path)
            .header(header::HOST, &self.url[Position::BeforeHost..Position::AfterPort])
            .header(header::USER_AGENT, USER_AGENT)
            .header(header::ACCEPT, "application/json")
            .header(header::CONTENT_TYPE, call.content_type);
        for (name, value) in call.headers {
            request = request.header(name, value);
        }
        request.body(Full::new(Bytes::from(call.body))).map_err(|e| self.broken(&e))
    }

    /// Every cause in a row: the first words of such an error say nothing alone.
    fn broken(&self, error: &(dyn std::error::Error + 'static)) -> SendError {
        let causes = || std::iter::successors(Some(error), |error| error.source());
        // With TLS 1.3 a receiver says only after the handshake that it wants a certificate.
        let of_tls = causes().find_map(|cause| tls_words::of(cause.downcast_ref()?));
        match of_tls {
            Some(tls) => self.tls_error(tls_words::words(tls, self.files)),
            None => self.failed(causes().map(ToString::to_string).collect::<Vec<_>>().join(": ")),
        }
    }

    fn failed(&self, why: String) -> SendError {
        SendError::Send { sink: self.sink.clone(), why }
    }

    fn tls_error(&self, why: String) -> SendError {
        SendError::Tls { sink: self.sink.clone(), why }
    }
}

impl Session<'_> {
    /// Sends a request and reads its answer, whatever its status.
    pub(super) fn post(&mut self, call: Call) -> Result<Reply, SendError> {
        let (client, open) = (self.client, &mut self.open);
        // The timer is made inside of the runtime: it needs its clock.
        let done = self.runtime.block_on(async { timeout(REQUEST, exchange(client, open, call)).await });
        let done = done.unwrap_or_else(|_| Err(client.failed(format!("no answer within {} s", REQUEST.as_secs()))));
        if done.is_err() {
            self.open = None;
        }
        done
    }
}

async fn exchange(
    client: &Client,
    open: &mut Option<SendRequest<Full<Bytes>>>,
    mut call: Call,
) -> Result<Reply, SendError> {
    let hidden = std::mem::take(&mut call.hidden);
    let request = client.request(call)?;
    if let Some(sender) = open
        && sender.ready().await.is_err()
    {
        *open = None;
    }
    let sender = match open {
        Some(sender) => sender,
        None => open.insert(client.connect().await?),
    };
    let (head, body) =
        sender.send_request(request).await.map(Response::into_parts).map_err(|e| client.broken(&e))?;
    let body = Limited::new(body, ANSWER).collect().await.map_err(|e| client.broken(&*e))?;
    Ok(Reply::new(&head, body.to_bytes(), hidden))
}

/// A secret as a header that no debug output shows.
pub(super) fn secret_header(text: &str) -> Result<HeaderValue, TlsError> {
    let mut value = HeaderValue::from_str(text).map_err(|_| TlsError::Setting {
        what: "the secret".to_owned(),
        why: "it holds a character that no header may have".to_owned(),
    })?;
    value.set_sensitive(true);
    Ok(value)
}

/// The error for an answer that took nothing and may be asked again.
pub(super) fn refusal(client: &Client, reply: &Reply, mend: &str) -> SendError {
    SendError::Refused { sink: client.sink().to_owned(), why: words::with_mend(reply, mend), after: reply.after }
}

fn secure(config: ClientConfig, host: &str) -> Result<(TlsConnector, ServerName<'static>), String> {
    let name = ServerName::try_from(host.to_owned()).map_err(|e| e.to_string())?;
    Ok((TlsConnector::from(Arc::new(config)), name))
}
