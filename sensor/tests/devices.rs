//! A device stays the same while its addresses change: frames go through a worker, as those of a capture do, and its
//! records say which device it was.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a panic is a test's failure message")]

mod devices {
    mod hostile;
    mod identity;
    mod mirrors;
    mod office;
    mod segment;
}
