//! What a server can answer instead of yes, and what each answer asks for.

/// Why the server could not do it. No variant shows a credential.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClickHouseError {
    /// It may work later: nobody answers, no answer in time, no room, too busy.
    #[error("{server}: {why}")]
    Passing {
        /// Host, port and database.
        server: String,
        /// The network's or the server's word.
        why: String,
    },
    /// The server does not let this user in, or not do this.
    #[error("{server}: {why}. Mend: user, password and grants (docs/clickhouse.md); nothing is lost meanwhile")]
    Access {
        /// Host, port and database.
        server: String,
        /// The server's word.
        why: String,
    },
    /// The tables are not those of this program.
    #[error(
        "{server}: the schema is not what this program writes: {why}. Mend: undo what was changed by hand in this \
         database, or name another database; nothing is lost meanwhile"
    )]
    Drift {
        /// Host, port and database.
        server: String,
        /// What differs.
        why: String,
    },
    /// The server does not know what this program asks for.
    #[error(
        "{server}: does not understand this program: {why}. Mend: a ClickHouse server of version 25.3 or newer; \
         nothing is lost meanwhile"
    )]
    TooOld {
        /// Host, port and database.
        server: String,
        /// The server's word.
        why: String,
    },
    /// The schema was made by a newer program.
    #[error(
        "{server}: has schema version {found}, this program knows {known}; nothing was changed. Mend: use the newer \
         program for every sender, or another database; nothing is lost meanwhile"
    )]
    Newer {
        /// Host, port and database.
        server: String,
        /// Version on the server.
        found: u32,
        /// Newest version of this program.
        known: u32,
    },
    /// The schema of a cluster is behind, and only its administrator can bring it up to date.
    #[error(
        "{server}: a cluster whose schema has version {found}, this program needs {known}; nothing was changed. Mend: \
         run there what `shadowtap store schema --cluster NAME` prints; nothing is lost meanwhile"
    )]
    Cluster {
        /// Host, port and database.
        server: String,
        /// Version on the cluster.
        found: u32,
        /// Version of this program.
        known: u32,
    },
    /// The server cannot take these rows, ever.
    #[error("{server}: refuses the rows: {why}")]
    Rows {
        /// Host, port and database.
        server: String,
        /// The server's word.
        why: String,
    },
}

/// Wrong user, wrong password, no grant.
const ACCESS: [u32; 6] = [192, 193, 194, 291, 497, 516];
/// Columns, tables, types and databases that are not there or differ.
const DRIFT: [u32; 11] = [8, 10, 16, 20, 43, 44, 47, 53, 60, 81, 122];
/// Functions, types, settings and words that the server does not know.
const TOO_OLD: [u32; 5] = [46, 48, 50, 62, 115];
/// Values that cannot be read or stored: text, numbers, dates, sizes, constraints.
const ROWS: [u32; 12] = [6, 27, 38, 41, 69, 70, 72, 117, 128, 131, 349, 469];

impl ClickHouseError {
    /// True when the same call may succeed later without anybody's help.
    pub fn retry(&self) -> bool {
        matches!(self, Self::Passing { .. })
    }

    /// True when these rows are at fault, and others would be taken.
    pub fn poison(&self) -> bool {
        matches!(self, Self::Rows { .. })
    }

    /// The error that the crate's error stands for. Only a statement that carried rows can say that rows are at fault.
    pub(super) fn of(server: &str, error: &clickhouse::error::Error, carried_rows: bool) -> Self {
        use clickhouse::error::Error;
        let (server, why) = (server.to_owned(), words(error));
        match error {
            Error::SchemaMismatch(_) | Error::InvalidColumnsHeader(_) => Self::Drift { server, why },
            Error::BadResponse(text) => match code(text) {
                Some(code) if ACCESS.contains(&code) => Self::Access { server, why },
                Some(code) if DRIFT.contains(&code) => Self::Drift { server, why },
                Some(code) if TOO_OLD.contains(&code) => Self::TooOld { server, why },
                Some(code) if ROWS.contains(&code) && carried_rows => Self::Rows { server, why },
                _ => Self::Passing { server, why },
            },
            _ => Self::Passing { server, why },
        }
    }
}

/// The number in `Code: 60. DB::Exception: ...`.
fn code(text: &str) -> Option<u32> {
    let digits = text.split("Code: ").nth(1)?;
    digits.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// The error with all its causes in one line, cut to what a log line can bear.
fn words(error: &dyn std::error::Error) -> String {
    const LONGEST: usize = 600;
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        let text = next.to_string();
        if !words.contains(&text) {
            words = format!("{words}: {text}");
        }
        cause = next.source();
    }
    let line: String = words.split_whitespace().collect::<Vec<_>>().join(" ");
    let short: String = line.chars().take(LONGEST).collect();
    if short.len() < line.len() { format!("{short} ...") } else { short }
}

#[cfg(test)]
mod tests {
    use clickhouse::error::Error;

    use super::*;

    fn of(text: &str) -> ClickHouseError {
        ClickHouseError::of("clickhouse://h:1/db", &Error::BadResponse(text.to_owned()), true)
    }

    #[test]
    fn the_servers_codes_say_what_to_do() {
        assert!(of("Code: 252. DB::Exception: Too many parts (300)").retry());
        assert!(of("Code: 243. DB::Exception: Cannot reserve 1.00 MiB, not enough space").retry());
        assert!(of("503 Service Unavailable").retry() && of("").retry());
        assert!(of("Code: 117. DB::Exception: Incorrect data").poison());
        let question =
            ClickHouseError::of("s", &Error::BadResponse("Code: 117. DB::Exception: no".to_owned()), false);
        assert!(!question.poison());
        let refused = of("Code: 516. DB::Exception: default: Authentication failed");
        assert!(matches!(refused, ClickHouseError::Access { .. }) && !refused.retry() && !refused.poison());
        let drift = of("Code: 16. DB::Exception: No such column");
        assert!(drift.to_string().contains("schema") && !drift.retry() && !drift.poison(), "{drift}");
    }

    #[test]
    fn a_long_answer_is_one_short_line() {
        let long = of(&format!("Code: 252. DB::Exception:\n{}", "x ".repeat(2000))).to_string();
        assert!(long.len() < 700 && !long.contains('\n'));
    }
}
