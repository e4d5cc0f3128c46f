//! The copy of a database file that is kept before its tables are changed: the way back to an older program.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use rusqlite::{Connection, OpenFlags};

use super::DbError;

/// A month tells whether an upgrade is good. Longer, and the copy would outlive what the store forgets.
const KEPT: Duration = Duration::from_secs(30 * 24 * 3600);

/// What has to stay free beside the copy: a change of the schema goes through the write-ahead log.
const ROOM: u64 = 64 << 20;

/// `shadowtap.db.bak-4` beside `shadowtap.db`: the file as it was with that version of its schema. An earlier copy of the
/// same version gives way.
pub(super) fn keep(db: &Connection, path: &Path, version: i64) -> Result<(), DbError> {
    let failed = |source: io::Error| DbError::Backup { path: path.to_path_buf(), source };
    let sql = DbError::of(path);
    let bytes = size(db).map_err(&sql)?;
    let about = rustix::fs::statvfs(path).map_err(|e| failed(e.into()))?;
    room(path, bytes.saturating_add(ROOM), about.f_bavail.saturating_mul(about.f_frsize))?;
    let part = part(path, version);
    // Left by a process of the same number that was killed.
    let _ = fs::remove_file(&part);
    let copied = copy(db, &part).map_err(&sql);
    let kept = copied.and_then(|copied| match copied == version {
        true => put(&part, path, version).map_err(failed),
        // Another process was faster, and its copy is of the old version.
        false => Ok(()),
    });
    let _ = fs::remove_file(&part);
    kept
}

/// Removes copies of this file that are older than [`KEPT`], and what was left of unfinished ones.
pub(super) fn forget(path: &Path) {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str())) else {
        return;
    };
    let begin = format!("{name}.bak-");
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let is_copy = entry.file_name().to_str().is_some_and(|name| name.starts_with(&begin));
        let changed = entry.metadata().and_then(|about| about.modified());
        let is_old = changed.is_ok_and(|at| SystemTime::now().duration_since(at).is_ok_and(|age| age > KEPT));
        if is_copy && is_old {
            // Who may not remove it leaves it to the sensor's user.
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn room(path: &Path, needed: u64, free: u64) -> Result<(), DbError> {
    match free < needed {
        true => Err(DbError::NoRoom { path: path.to_path_buf(), needed: needed >> 20, free: free >> 20 }),
        false => Ok(()),
    }
}

fn size(db: &Connection) -> rusqlite::Result<u64> {
    let number = |pragma: &str| db.query_row(pragma, [], |row| row.get::<_, i64>(0));
    Ok((number("PRAGMA page_count")? * number("PRAGMA page_size")?).unsigned_abs())
}

/// Writes the copy, and says which version is in it.
fn copy(db: &Connection, part: &Path) -> rusqlite::Result<i64> {
    db.execute("VACUUM INTO ?1", [part.to_string_lossy()])?;
    let copy = Connection::open_with_flags(part, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    copy.query_row("SELECT coalesce(max(version), 0) FROM schema_version", [], |row| row.get(0))
}

/// On the disk for sure, readable by those who may read the file itself, under its own name.
fn put(part: &Path, path: &Path, version: i64) -> io::Result<()> {
    fs::set_permissions(part, fs::metadata(path)?.permissions())?;
    File::open(part)?.sync_all()?;
    fs::rename(part, with_end(path, &format!(".bak-{version}")))?;
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

/// A name that no other process and no other thread writes to.
fn part(path: &Path, version: i64) -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    with_end(path, &format!(".bak-{version}.{}-{number}.part", std::process::id()))
}

fn with_end(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::super::{Schema, open};
    use super::*;

    const OLD: Schema = Schema { application_id: 7, steps: &["CREATE TABLE a (x); INSERT INTO a VALUES (1)"] };
    const NEW: Schema = Schema { application_id: 7, steps: &[OLD.steps[0], "UPDATE a SET x = 2"] };

    fn value(path: &Path) -> i64 {
        Connection::open(path).unwrap().query_row("SELECT x FROM a", [], |row| row.get(0)).unwrap()
    }

    fn names(dir: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn an_older_file_is_copied_before_it_is_changed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.db");
        drop(open(&path, &OLD).unwrap());
        assert_eq!(names(dir.path()), ["a.db"], "a new file has no past");
        // What only the write-ahead log has is in the copy as well.
        let writer = open(&path, &OLD).unwrap();
        writer.execute("UPDATE a SET x = 10", []).unwrap();
        drop(open(&path, &NEW).unwrap());
        drop(writer);
        let copy = dir.path().join("a.db.bak-1");
        assert_eq!((value(&path), value(&copy)), (2, 10));
        assert_eq!(names(dir.path()), ["a.db", "a.db.bak-1"]);
        drop(open(&copy, &OLD).unwrap());
        assert!(matches!(open(&path, &OLD), Err(DbError::Newer { found: 2, known: 1, .. })));
    }

    /// Somebody goes back to the copy, works on, and upgrades again: the newest state before the change counts.
    #[test]
    fn the_copy_of_a_second_upgrade_takes_the_place_of_the_first() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.db");
        drop(open(&path, &OLD).unwrap());
        drop(open(&path, &NEW).unwrap());
        let copy = dir.path().join("a.db.bak-1");
        fs::copy(&copy, &path).unwrap();
        open(&path, &OLD).unwrap().execute("UPDATE a SET x = 11", []).unwrap();
        drop(open(&path, &NEW).unwrap());
        assert_eq!((value(&path), value(&copy)), (2, 11));
    }

    #[test]
    fn a_copy_goes_after_a_month_and_nothing_else_does() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.db");
        drop(open(&path, &OLD).unwrap());
        let aged = |name: &str, days: u64| {
            let file = File::create(dir.path().join(name)).unwrap();
            file.set_modified(SystemTime::now() - Duration::from_secs(days * 24 * 3600)).unwrap();
        };
        aged("a.db.bak-1", 29);
        aged("a.db.bak-2", 31);
        aged("a.db.bak-2.17-0.part", 31);
        aged("a.db.mine", 31);
        aged("b.db.bak-1", 31);
        drop(open(&path, &OLD).unwrap());
        assert_eq!(names(dir.path()), ["a.db", "a.db.bak-1", "a.db.mine", "b.db.bak-1"]);
    }

    #[test]
    fn a_disk_without_room_is_told_with_what_it_takes() {
        let path = Path::new("/data/a.db");
        room(path, 74 << 20, 74 << 20).unwrap();
        let error = room(path, 74 << 20, (74 << 20) - 1).unwrap_err();
        assert!(error.retry() && error.to_string().contains("needs 74 MiB of free disk; there are 73;"), "{error}");
    }

    #[test]
    fn several_that_open_an_older_file_at_once_leave_one_copy_of_the_old() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.db");
        drop(open(&path, &OLD).unwrap());
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| drop(open(&path, &NEW).unwrap()));
            }
        });
        assert_eq!((value(&path), value(&dir.path().join("a.db.bak-1"))), (2, 1));
        assert_eq!(names(dir.path()), ["a.db", "a.db.bak-1"]);
    }
}
