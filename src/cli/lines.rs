//! JSON Lines in and out.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::Path;
use std::sync::mpsc::{Receiver, sync_channel};

use serde::Serialize;

use super::error::CliError;

/// Lines that are read ahead of the work on them.
const READ_AHEAD: usize = 1024;

/// A line with its number, counted from one. Bytes, since a line that is not UTF-8 is an error of that line only.
pub type Line = (usize, Vec<u8>);

/// Opens a file, or standard input without one.
fn open(file: Option<&Path>) -> Result<Box<dyn BufRead + Send>, CliError> {
    Ok(match file {
        None => Box::new(BufReader::new(io::stdin())),
        Some(path) => {
            let file =
                File::open(path).map_err(|error| CliError::Usage(format!("{}: {error}", path.display())))?;
            Box::new(BufReader::new(file))
        }
    })
}

/// Reads lines on a thread of their own, so that what is there can be worked on while more is awaited. Blank lines are left out;
/// they keep their number.
pub fn read(file: Option<&Path>) -> Result<Receiver<io::Result<Line>>, CliError> {
    let mut input = open(file)?;
    let (sender, receiver) = sync_channel(READ_AHEAD);
    std::thread::spawn(move || {
        for number in 1.. {
            let mut line = Vec::new();
            let read = input.read_until(b'\n', &mut line);
            let message = match read {
                Ok(0) => return,
                Ok(_) => {
                    while line.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
                        line.pop();
                    }
                    if line.iter().all(u8::is_ascii_whitespace) {
                        continue;
                    }
                    Ok((number, line))
                }
                Err(error) => Err(error),
            };
            let failed = message.is_err();
            // The receiver is gone when the command has ended: nobody wants more lines.
            if sender.send(message).is_err() || failed {
                return;
            }
        }
    });
    Ok(receiver)
}

/// The next lines: waits for one, then takes what is there, up to `limit`. Empty at the end.
pub fn next_batch(lines: &Receiver<io::Result<Line>>, limit: usize) -> Result<Vec<Line>, CliError> {
    let failed = |error: io::Error| CliError::Failed(format!("cannot read the input: {error}"));
    let mut batch = Vec::new();
    match lines.recv() {
        Ok(line) => batch.push(line.map_err(failed)?),
        Err(_) => return Ok(batch),
    }
    while batch.len() < limit {
        match lines.try_recv() {
            Ok(line) => batch.push(line.map_err(failed)?),
            Err(_) => break,
        }
    }
    Ok(batch)
}

/// A line that could not be worked on.
#[derive(Debug, Serialize)]
pub struct BadLine {
    pub error: String,
    pub line: usize,
}

/// Standard output, buffered, flushed after every batch. A reader that has gone away ends the program quietly.
pub struct Output {
    writer: BufWriter<io::Stdout>,
}

impl Output {
    pub fn new() -> Self {
        Self { writer: BufWriter::new(io::stdout()) }
    }

    pub fn write<T: Serialize>(&mut self, value: &T) -> Result<(), CliError> {
        serde_json::to_writer(&mut self.writer, value)
            .map_err(io::Error::from)
            .and_then(|()| self.writer.write_all(b"\n"))
            .map_err(gone)
    }

    pub fn flush(&mut self) -> Result<(), CliError> {
        self.writer.flush().map_err(gone)
    }
}

/// Prints text to standard output.
pub fn print(text: &str) -> Result<(), CliError> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(gone)
}

fn gone(error: io::Error) -> CliError {
    if error.kind() == io::ErrorKind::BrokenPipe {
        std::process::exit(0);
    }
    CliError::Failed(format!("cannot write the output: {error}"))
}
