//! Banking77 (Casanueva et al. 2020): `train.csv` and `test.csv` with the columns `text,category`.

use std::path::Path;

use serde::Deserialize;

use super::{DatasetError, Intents, LabelledText};

#[derive(Deserialize)]
struct Row {
    text: String,
    category: String,
}

pub fn read(folder: &Path) -> Result<Intents, DatasetError> {
    Ok(Intents {
        train: rows(&folder.join("train.csv"))?,
        test: rows(&folder.join("test.csv"))?,
        ..Intents::default()
    })
}

fn rows(file: &Path) -> Result<Vec<LabelledText>, DatasetError> {
    let mut reader = csv::Reader::from_path(file).map_err(|error| DatasetError::new(file, error))?;
    reader
        .deserialize()
        .map(|row| {
            let Row { text, category } = row.map_err(|error| DatasetError::new(file, error))?;
            Ok(LabelledText { text, intent: category })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn texts_may_hold_commas_quotes_and_line_breaks() {
        let folder = tempfile::tempdir().unwrap();
        let text = "text,category\n\"My card, \"\"the new one\"\",\nis late\",card_arrival\nWhere is it?,card_arrival\n";
        for name in ["train.csv", "test.csv"] {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let found = super::read(folder.path()).unwrap();
        assert_eq!(found.train.len(), 2);
        assert_eq!(found.train[0].text, "My card, \"the new one\",\nis late");
        assert_eq!(found.test[1].intent, "card_arrival");
    }
}
