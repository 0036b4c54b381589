//! CLINC150 (Larson et al. 2019): `data_full.json`, pairs of text and intent by part, and texts out of scope.

use std::collections::BTreeMap;
use std::path::Path;

use super::{DatasetError, Intents, LabelledText};

pub fn read(file: &Path) -> Result<Intents, DatasetError> {
    let text = std::fs::read_to_string(file).map_err(|error| DatasetError::new(file, error))?;
    let mut parts: BTreeMap<String, Vec<(String, String)>> =
        serde_json::from_str(&text).map_err(|error| DatasetError::new(file, error))?;
    let mut take = |name: &str| {
        let pairs =
            parts.remove(name).ok_or_else(|| DatasetError::new(file, format!("expected a part `{name}`")))?;
        Ok(pairs.into_iter().map(|(text, intent)| LabelledText { text, intent }).collect::<Vec<_>>())
    };
    let texts = |labelled: Vec<LabelledText>| labelled.into_iter().map(|labelled| labelled.text);
    Ok(Intents {
        train: take("train")?,
        validation: take("val")?,
        test: take("test")?,
        // No model is trained on either.
        out_of_scope_validation: texts(take("oos_train")?).chain(texts(take("oos_val")?)).collect(),
        out_of_scope: texts(take("oos_test")?).collect(),
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_part_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("data_full.json");
        let part = |text: &str| format!(r#"[["{text}","balance"]]"#);
        let json = format!(
            r#"{{"train":{},"val":{},"test":{},"oos_train":[["why","oos"]],"oos_val":[["who","oos"]],"oos_test":[["what","oos"]]}}"#,
            part("a"),
            part("b"),
            part("c")
        );
        std::fs::write(&file, json).unwrap();
        let found = super::read(&file).unwrap();
        assert_eq!((found.train.len(), found.validation.len(), found.test.len()), (1, 1, 1));
        assert_eq!(found.out_of_scope, ["what"]);
        assert_eq!(found.out_of_scope_validation, ["why", "who"]);
        std::fs::write(&file, "{}").unwrap();
        assert!(super::read(&file).unwrap_err().to_string().contains("expected a part `train`"));
    }
}
