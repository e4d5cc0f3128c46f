//! libchdb through its C interface. The only `unsafe` of this program.

#![allow(unsafe_code, reason = "the engine is a C library that is loaded at run time")]

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use libloading::{Library, Symbol};

type Connection = *mut *mut c_void;
type Answer = *mut c_void;

/// With 16 the engine waits for itself for ever when it opens a folder with a dozen tables; some 25 are ever used.
const THREADS: &str = "--max_thread_pool_size=64";

/// One engine on one data folder. The library allows one per process.
pub(crate) struct Engine {
    library: Library,
    connection: Connection,
}

/// What the engine said instead of an answer: `Code: 60. DB::Exception: ...`.
#[derive(Debug)]
pub(crate) struct Exception(pub(crate) String);

impl Exception {
    /// The number behind `Code:`; 0 where the text has none.
    pub(crate) fn code(&self) -> u32 {
        let digits = self.0.split("Code: ").nth(1).and_then(|rest| rest.split('.').next());
        digits.and_then(|digits| digits.parse().ok()).unwrap_or(0)
    }
}

impl fmt::Display for Exception {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for Exception {}

// SAFETY: the engine takes queries from any thread; the mutex around it lets one in at a time.
unsafe impl Send for Engine {}

impl Engine {
    /// Loads the library and opens the data folder, which is made when absent. A configuration is one of a server:
    /// clusters, users, a keeper.
    pub(crate) fn open(
        library: &Path,
        data: &Path,
        config: Option<&Path>,
    ) -> Result<Self, Box<dyn std::error::Error>> {
        let named = |name: &str, path: &Path| CString::new([name.as_bytes(), path.as_os_str().as_bytes()].concat());
        let mut arguments = vec![CString::new("chdb")?, named("--path=", data)?, CString::new(THREADS)?];
        arguments.extend(config.map(|config| named("--config-file=", config)).transpose()?);
        let mut pointers: Vec<*mut c_char> = arguments.iter().map(|a| a.as_ptr().cast_mut()).collect();
        // SAFETY: the file is the engine that the fetch script verified by its hash; its constructors expect nothing.
        let library = unsafe { Library::new(library)? };
        // SAFETY: the types are those of chdb.h of this version; the argument strings outlive the call.
        let connection = unsafe {
            let signals: Symbol<'_, unsafe extern "C" fn(c_int)> =
                library.get(b"chdb_set_signal_handlers_enabled")?;
            signals(0);
            let connect: Symbol<'_, unsafe extern "C" fn(c_int, *mut *mut c_char) -> Connection> =
                library.get(b"chdb_connect")?;
            connect(pointers.len() as c_int, pointers.as_mut_ptr())
        };
        if connection.is_null() {
            return Err(format!("the engine does not open {}", data.display()).into());
        }
        Ok(Self { library, connection })
    }

    /// Runs one statement; `format` is that of an answer whose statement names none.
    pub(crate) fn query(&mut self, sql: &str, format: &str) -> Result<Vec<u8>, Exception> {
        // SAFETY: both strings are passed with their lengths and outlive the call; the answer is copied before it is
        // destroyed, and nothing points to it afterwards. The types are those of chdb.h of this version.
        unsafe { self.call(sql, format) }.map_err(|e| Exception(e.to_string()))?
    }

    unsafe fn call(&mut self, sql: &str, format: &str) -> Result<Result<Vec<u8>, Exception>, libloading::Error> {
        type Query = unsafe extern "C" fn(*mut c_void, *const c_char, usize, *const c_char, usize) -> Answer;
        // SAFETY: see the caller; each symbol has the type that it is declared with.
        unsafe {
            let query: Symbol<'_, Query> = self.library.get(b"chdb_query_n")?;
            let error: Symbol<'_, unsafe extern "C" fn(Answer) -> *const c_char> =
                self.library.get(b"chdb_result_error")?;
            let bytes: Symbol<'_, unsafe extern "C" fn(Answer) -> *const u8> =
                self.library.get(b"chdb_result_buffer")?;
            let length: Symbol<'_, unsafe extern "C" fn(Answer) -> usize> =
                self.library.get(b"chdb_result_length")?;
            let destroy: Symbol<'_, unsafe extern "C" fn(Answer)> =
                self.library.get(b"chdb_destroy_query_result")?;
            let answer =
                query(*self.connection, sql.as_ptr().cast(), sql.len(), format.as_ptr().cast(), format.len());
            if answer.is_null() {
                return Ok(Err(Exception("the engine gave no answer".to_owned())));
            }
            let (said, buffer) = (error(answer), bytes(answer));
            let result = match (said.is_null(), buffer.is_null()) {
                (false, _) => Err(Exception(CStr::from_ptr(said).to_string_lossy().into_owned())),
                (true, true) => Ok(Vec::new()),
                (true, false) => Ok(std::slice::from_raw_parts(buffer, length(answer)).to_vec()),
            };
            destroy(answer);
            Ok(result)
        }
    }
}

impl Drop for Engine {
    /// Closes the data folder; a process that ends without this dies of a fault in the library.
    fn drop(&mut self) {
        // SAFETY: the connection is the one that was opened, and is not used again.
        unsafe {
            if let Ok(close) = self.library.get::<unsafe extern "C" fn(Connection)>(b"chdb_close_conn") {
                close(self.connection);
            }
        }
    }
}
