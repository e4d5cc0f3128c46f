//! What the plugin and Grafana make of a query before it is sent. Semantics: grafana/clickhouse-datasource,
//! `applyConditionalAll` of `src/data/CHDatasource.ts` (in the browser, before variables are put in) and
//! `pkg/macros/macros.go` (in the backend, after it); Grafana's variable formats.

use std::collections::BTreeMap;

/// The range of a board, or of an alert rule, and what is chosen in its variables.
#[derive(Debug, Clone, Default)]
pub(crate) struct Chosen {
    /// Seconds since 1970.
    pub(crate) from: i64,
    /// Seconds since 1970.
    pub(crate) to: i64,
    /// Length of a bucket.
    pub(crate) interval: i64,
    /// Values by variable; none of them stands for All.
    pub(crate) variables: BTreeMap<String, Vec<String>>,
}

impl Chosen {
    /// The statement as it is sent; what is left over or unknown is an error.
    pub(crate) fn fill(&self, sql: &str) -> Result<String, String> {
        let sql = self.backend(&self.variables(&self.conditional(sql)?)?)?;
        match sql.find('$') {
            Some(at) => Err(format!("not filled in: {}", &sql[at..sql.len().min(at + 40)])),
            None => Ok(sql),
        }
    }

    /// `$__conditionalAll(condition, $variable)`, innermost last.
    fn conditional(&self, sql: &str) -> Result<String, String> {
        const MACRO: &str = "$__conditionalAll(";
        let mut sql = sql.to_owned();
        while let Some(at) = sql.rfind(MACRO) {
            let (arguments, end) = arguments(&sql[at + MACRO.len() - 1..]).ok_or("brackets do not match")?;
            let [condition, variable] = arguments.as_slice() else {
                return Err("it takes two arguments".to_owned());
            };
            let name = variable.trim().strip_prefix('$').ok_or("the second is no variable")?;
            if name.contains(':') {
                return Err(format!("{name}: a format hides All from the macro"));
            }
            let name = name.trim_matches(['{', '}']);
            let values = self.variables.get(name).ok_or_else(|| format!("no variable {name}"))?;
            let phrase = if values.is_empty() { "1=1" } else { condition };
            sql.replace_range(at..at + MACRO.len() - 1 + end, phrase);
        }
        Ok(sql)
    }

    /// `${name:singlequote}`. Any other form would put a value into the statement as it is.
    fn variables(&self, sql: &str) -> Result<String, String> {
        let mut sql = sql.to_owned();
        while let Some(at) = sql.find("${") {
            let end = at + sql[at..].find('}').ok_or("a brace is not closed")?;
            let (name, format) = sql[at + 2..end].split_once(':').unwrap_or((&sql[at + 2..end], ""));
            if format != "singlequote" {
                return Err(format!("{name}: not quoted"));
            }
            let values = self.variables.get(name).ok_or_else(|| format!("no variable {name}"))?;
            if values.is_empty() {
                return Err(format!("{name}: All outside of $__conditionalAll"));
            }
            let quoted = values.iter().map(|value| format!("'{}'", value.replace('\'', "\\'")));
            sql.replace_range(at..=end, &quoted.collect::<Vec<_>>().join(","));
        }
        Ok(sql)
    }

    fn backend(&self, sql: &str) -> Result<String, String> {
        let mut sql = sql.to_owned();
        while let Some(at) = sql.find("$__") {
            let name: String = sql[at + 3..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            let behind = at + 3 + name.len();
            let (column, end) = match sql[behind..].strip_prefix('(') {
                Some(rest) if takes_a_column(&name) => {
                    let length = rest.find(')').ok_or("a bracket is not closed")?;
                    (rest[..length].trim().to_owned(), behind + length + 2)
                }
                _ => (String::new(), behind),
            };
            if takes_a_column(&name) && !column.chars().all(|c| c.is_alphanumeric() || c == '_') {
                return Err(format!("{name}: older plugins cannot read an expression there: {column}"));
            }
            let filled = self.one(&name, &column).ok_or_else(|| format!("no macro {name}"))?;
            sql.replace_range(at..end, &filled);
        }
        Ok(sql)
    }

    fn one(&self, name: &str, column: &str) -> Option<String> {
        let moment = |seconds: i64| format!("toDateTime({seconds})");
        let date = |seconds: i64| {
            let time = jiff::Timestamp::from_second(seconds).unwrap();
            format!("toDate('{}')", time.strftime("%Y-%m-%d"))
        };
        let (from, to) = (self.from, self.to);
        Some(match name {
            "timeFilter" => format!("{column} >= {} AND {column} <= {}", moment(from), moment(to)),
            "dateFilter" => format!("{column} >= {} AND {column} <= {}", date(from), date(to)),
            "fromTime" => moment(from),
            "toTime" => moment(to),
            "timeInterval" => {
                format!("toStartOfInterval(toDateTime({column}), INTERVAL {} second)", self.interval.max(1))
            }
            _ => return None,
        })
    }
}

fn takes_a_column(name: &str) -> bool {
    ["timeFilter", "dateFilter", "timeInterval"].contains(&name)
}

/// The arguments in the brackets that the text begins with, and where they end.
fn arguments(text: &str) -> Option<(Vec<String>, usize)> {
    let (mut depth, mut start, mut found) = (0, 1, Vec::new());
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 1 => {
                found.push(text[start..at].to_owned());
                start = at + 1;
            }
            _ => {}
        }
        if depth == 0 {
            found.push(text[start..at].to_owned());
            return Some((found, at + 1));
        }
    }
    None
}

#[test]
fn macros_are_filled_in_as_the_plugin_does() {
    let variables = [("site", vec!["hq", "it's"]), ("service", vec![]), ("n", vec!["5"])];
    let variables =
        variables.map(|(name, values)| (name.to_owned(), values.into_iter().map(str::to_owned).collect()));
    let chosen = Chosen { from: 1_415_792_726, to: 1_447_328_726, interval: 20, variables: variables.into() };
    for (sql, filled) in [
        ("$__timeFilter(time)", "time >= toDateTime(1415792726) AND time <= toDateTime(1447328726)"),
        ("$__dateFilter(d)", "d >= toDate('2014-11-12') AND d <= toDate('2015-11-12')"),
        ("$__timeInterval(t)", "toStartOfInterval(toDateTime(t), INTERVAL 20 second)"),
        ("toDate($__fromTime, 'UTC') - 1", "toDate(toDateTime(1415792726), 'UTC') - 1"),
        ("$__conditionalAll(site IN (${site:singlequote}), $site)", "site IN ('hq','it\\'s')"),
        ("$__conditionalAll(service IN (${service:singlequote}), $service) AND x", "1=1 AND x"),
        ("toUInt8(${n:singlequote})", "toUInt8('5')"),
    ] {
        assert_eq!(chosen.fill(sql).as_deref(), Ok(filled));
    }
    for bad in [
        "${site}",
        "$site",
        "${other:singlequote}",
        "service IN (${service:singlequote})",
        "$__timeFilter(toDate(x))",
        "$__nothing(x)",
        "$__conditionalAll(a, ${site:singlequote})",
        "$__conditionalAll(a)",
    ] {
        assert!(chosen.fill(bad).is_err(), "{bad}");
    }
}
