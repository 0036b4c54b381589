//! Helpers for tests: a console with somebody logged in, fresh databases, and contract values with as little ceremony as possible.
//!
//! Each test program compiles this module for itself and uses a part of it.
#![allow(dead_code)]

pub mod console;
pub mod database;
pub mod values;
