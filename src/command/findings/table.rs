//! A table for people that fits the terminal.

/// Between two columns.
const GAP: usize = 2;
/// A column that gives way keeps this width.
const LEAST: usize = 10;
/// A column with hardware addresses keeps them and the ellipsis: the last numbers tell one device from the next.
const HARDWARE: usize = 18;

/// A column's title and how it gives way.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    pub(crate) title: &'static str,
    /// May be cut.
    pub(crate) shrinks: bool,
    /// May be left out; the greatest goes first, 0 stays.
    pub(crate) spare: u8,
}

/// Lines of the table, its head first. What does not fit is cut with an ellipsis.
pub(crate) fn lines(columns: &[Column], rows: &[Vec<String>], width: usize) -> Vec<String> {
    let mut shown: Vec<usize> = (0..columns.len()).collect();
    loop {
        let widths = fit(columns, rows, &shown, width);
        let needed = widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1);
        let spare = |at: &usize| columns.get(*at).map_or(0, |column| column.spare);
        let next = shown.iter().copied().filter(|at| spare(at) > 0).max_by_key(spare);
        match next {
            Some(at) if needed > width => shown.retain(|other| *other != at),
            _ => return render(columns, rows, &shown, &widths),
        }
    }
}

fn fit(columns: &[Column], rows: &[Vec<String>], shown: &[usize], width: usize) -> Vec<usize> {
    let natural = |at: usize| {
        let title = columns.get(at).map_or(0, |column| column.title.len());
        rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count()).fold(title, usize::max)
    };
    let least = |at: usize| {
        let first = |cell: &String| cell.split(' ').next().filter(|word| word.contains(':')).map_or(0, str::len);
        let longest = rows.iter().filter_map(|row| row.get(*shown.get(at)?)).map(first).max();
        longest.map_or(0, |longest| longest + 1).clamp(LEAST, HARDWARE)
    };
    let mut widths: Vec<usize> = shown.iter().map(|at| natural(*at)).collect();
    let mut over = (widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1)).saturating_sub(width);
    while over > 0 {
        let shrinks =
            |at: usize| shown.get(at).and_then(|at| columns.get(*at)).is_some_and(|column| column.shrinks);
        let widest = widths.iter_mut().enumerate().filter(|(at, width)| shrinks(*at) && **width > least(*at));
        let Some((_, width)) = widest.max_by_key(|(_, width)| **width) else { break };
        *width -= 1;
        over -= 1;
    }
    widths
}

fn render(columns: &[Column], rows: &[Vec<String>], shown: &[usize], widths: &[usize]) -> Vec<String> {
    let line = |cells: Vec<&str>| {
        let padded = cells.iter().zip(widths).map(|(cell, width)| format!("{:<width$}", cut(cell, *width)));
        padded.collect::<Vec<_>>().join(&" ".repeat(GAP)).trim_end().to_owned()
    };
    let head = line(shown.iter().filter_map(|at| columns.get(*at)).map(|column| column.title).collect());
    let body =
        rows.iter().map(|row| line(shown.iter().filter_map(|at| row.get(*at)).map(String::as_str).collect()));
    std::iter::once(head).chain(body).collect()
}

fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [Column; 3] = [
        Column { title: "ID", shrinks: false, spare: 0 },
        Column { title: "WHO", shrinks: true, spare: 0 },
        Column { title: "STATE", shrinks: false, spare: 1 },
    ];

    #[test]
    fn columns_give_way_before_they_go() {
        let rows = [vec!["1234".to_owned(), "a rather long department".to_owned(), "open".to_owned()]];
        assert_eq!(lines(&COLUMNS, &rows, 80)[1], "1234  a rather long department  open");
        assert_eq!(lines(&COLUMNS, &rows, 25)[1], "1234  a rather lo…  open");
        assert_eq!(lines(&COLUMNS, &rows, 20)[1], "1234  a rather long…");
        assert_eq!(lines(&COLUMNS, &rows, 5)[0], "ID    WHO");
        let rows = [vec!["1234".to_owned(), "02:20:01:00:00:14 (Finance)".to_owned(), "open".to_owned()]];
        assert_eq!(lines(&COLUMNS, &rows, 24)[1], "1234  02:20:01:00:00:14…");
        assert_eq!(lines(&COLUMNS, &rows, 20)[1], "1234  02:20:01:00:00:14…");
    }
}
