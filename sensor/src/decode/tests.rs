//! Each encapsulation from bytes.
