//! `vocab.txt` and `tokenizer_config.json`: BERT's tokenizers from before there was a `tokenizer.json`, the Japanese ones among them.

use std::path::Path;

use serde::Deserialize;
use tokenizers::Tokenizer;
use tokenizers::models::wordpiece::WordPiece;
use tokenizers::normalizers::BertNormalizer;
use tokenizers::pre_tokenizers::bert::BertPreTokenizer;
use tokenizers::processors::bert::BertProcessing;
use unicode_normalization::UnicodeNormalization;

use super::files::Files;
use crate::model::folder::FolderError;
use crate::text::Mecab;

pub(super) const VOCABULARY: &str = "vocab.txt";
pub(super) const TOKENIZER_CONFIG: &str = "tokenizer_config.json";
const JAPANESE: &str = "BertJapaneseTokenizer";
const WESTERN: [&str; 2] = ["BertTokenizer", "BertTokenizerFast"];

/// What is read of `tokenizer_config.json`.
#[derive(Debug, Default, Deserialize)]
pub(super) struct TokenizerConfig {
    pub tokenizer_class: Option<String>,
    do_lower_case: Option<bool>,
    tokenize_chinese_chars: Option<bool>,
    strip_accents: Option<bool>,
    do_word_tokenize: Option<bool>,
    do_subword_tokenize: Option<bool>,
    word_tokenizer_type: Option<String>,
    subword_tokenizer_type: Option<String>,
    mecab_kwargs: Option<MecabOptions>,
    unk_token: Option<SpecialToken>,
    cls_token: Option<SpecialToken>,
    sep_token: Option<SpecialToken>,
}

#[derive(Debug, Default, Deserialize)]
struct MecabOptions {
    mecab_dic: Option<String>,
    mecab_option: Option<String>,
    normalize_text: Option<bool>,
}

/// `transformers` writes the name alone or an object around it.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum SpecialToken {
    Name(String),
    Object { content: String },
}

fn name_of<'a>(token: &'a Option<SpecialToken>, usual: &'a str) -> &'a str {
    match token {
        Some(SpecialToken::Name(name) | SpecialToken::Object { content: name }) => name,
        None => usual,
    }
}

impl TokenizerConfig {
    /// The file, or what holds without it.
    pub fn read(files: &mut Files<'_>) -> Result<Self, FolderError> {
        if !files.has(TOKENIZER_CONFIG) {
            return Ok(Self::default());
        }
        let bytes = files.read(TOKENIZER_CONFIG)?;
        serde_json::from_slice(&bytes).map_err(|error| FolderError::new(&files.path(TOKENIZER_CONFIG), error))
    }

    pub fn is_japanese(&self) -> bool {
        self.tokenizer_class.as_deref() == Some(JAPANESE)
    }
}

/// Cuts Japanese into words before the vocabulary sees them, as `BertJapaneseTokenizer` does with MeCab.
pub(super) struct JapaneseWords {
    mecab: Mecab,
    normalise: bool,
    lower_case: bool,
    characters: bool,
}

impl JapaneseWords {
    pub fn split(&self, text: &str) -> Vec<String> {
        let normalised: String;
        let text = if self.normalise {
            normalised = text.nfkc().collect();
            &normalised
        } else {
            text
        };
        let mut words = self.mecab.words(text);
        if self.lower_case {
            words.iter_mut().for_each(|word| *word = word.to_lowercase());
        }
        if self.characters {
            // This step normalises by itself, whatever the one before it did.
            words = words.iter().flat_map(|word| word.nfkc()).map(String::from).collect();
        }
        words
    }
}

/// A tokenizer over `vocab.txt`, and what cuts the text into words before it, if that is not the tokenizer's own work.
pub(super) fn from_vocabulary(
    files: &mut Files<'_>,
    config: &TokenizerConfig,
) -> Result<(Tokenizer, Option<JapaneseWords>), FolderError> {
    let path = files.path(VOCABULARY);
    let fail = |detail: String| FolderError::new(&path, detail);
    let unknown = name_of(&config.unk_token, "[UNK]");
    let vocabulary =
        WordPiece::read_bytes(&files.read(VOCABULARY)?).map_err(|error| fail(error.to_string()))?;
    let model = WordPiece::builder()
        .vocab(vocabulary)
        .unk_token(unknown.to_owned())
        .build()
        .map_err(|error| fail(error.to_string()))?;
    let mut tokenizer = Tokenizer::new(model);
    let special = |token: &str| {
        let id = tokenizer.token_to_id(token).ok_or_else(|| fail(format!("expected a line `{token}`")))?;
        Ok((token.to_owned(), id))
    };
    special(unknown)?;
    let separator = special(name_of(&config.sep_token, "[SEP]"))?;
    let class = special(name_of(&config.cls_token, "[CLS]"))?;
    tokenizer.with_post_processor(Some(BertProcessing::new(separator, class)));

    let settings = files.path(TOKENIZER_CONFIG);
    if !config.is_japanese() {
        if let Some(other) = config.tokenizer_class.as_deref().filter(|class| !WESTERN.contains(class)) {
            return Err(FolderError::new(
                &settings,
                format!(
                    "`tokenizer_class`: expected {JAPANESE}, {} or {}, found {other}",
                    WESTERN[0], WESTERN[1]
                ),
            ));
        }
        basic(
            &mut tokenizer,
            config.tokenize_chinese_chars.unwrap_or(true),
            config.strip_accents,
            config.do_lower_case.unwrap_or(true),
        )
        .map_err(|error| fail(error.to_string()))?;
        return Ok((tokenizer, None));
    }
    japanese(&mut tokenizer, config, &settings).map(|words| (tokenizer, words))
}

fn basic(
    tokenizer: &mut Tokenizer,
    chinese_chars: bool,
    strip_accents: Option<bool>,
    lower_case: bool,
) -> tokenizers::Result<()> {
    tokenizer.with_normalizer(Some(BertNormalizer::new(true, chinese_chars, strip_accents, lower_case)))?;
    tokenizer.with_pre_tokenizer(Some(BertPreTokenizer));
    Ok(())
}

fn japanese(
    tokenizer: &mut Tokenizer,
    config: &TokenizerConfig,
    file: &Path,
) -> Result<Option<JapaneseWords>, FolderError> {
    let expect = |name: &str, expected: &str, found: &str| {
        Err(FolderError::new(file, format!("`{name}`: expected {expected}, found {found}")))
    };
    for (name, value) in
        [("do_word_tokenize", config.do_word_tokenize), ("do_subword_tokenize", config.do_subword_tokenize)]
    {
        if value == Some(false) {
            return expect(name, "true", "false");
        }
    }
    let characters = match config.subword_tokenizer_type.as_deref().unwrap_or("wordpiece") {
        "wordpiece" => false,
        "character" => true,
        other => return expect("subword_tokenizer_type", "wordpiece or character", other),
    };
    let lower_case = config.do_lower_case.unwrap_or(false);
    match config.word_tokenizer_type.as_deref().unwrap_or("basic") {
        "basic" if !characters => {
            basic(tokenizer, false, None, lower_case).map_err(|error| FolderError::new(file, error))?;
            Ok(None)
        }
        "mecab" => {
            let options = config.mecab_kwargs.as_ref();
            let text = |value: Option<&Option<String>>| value.and_then(|value| value.clone());
            let dictionary = text(options.map(|options| &options.mecab_dic));
            if let Some(other) = dictionary.filter(|dictionary| dictionary != "ipadic") {
                return expect("mecab_dic", "ipadic, the dictionary that this program carries", &other);
            }
            let option = text(options.map(|options| &options.mecab_option));
            if let Some(option) = option.filter(|option| !option.is_empty()) {
                return expect("mecab_option", "none", &option);
            }
            Ok(Some(JapaneseWords {
                mecab: Mecab::new().map_err(|error| FolderError::new(file, error))?,
                normalise: options.and_then(|options| options.normalize_text).unwrap_or(true),
                lower_case,
                characters,
            }))
        }
        other => {
            let expected = if characters { "mecab (with characters)" } else { "basic or mecab" };
            expect("word_tokenizer_type", expected, other)
        }
    }
}
