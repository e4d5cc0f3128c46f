//! Enums that stand in files and records as one word each.

/// A word that none of an enum's variants carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownWord {
    /// What the word should have been, such as `role`.
    pub what: &'static str,
    /// The word as it was written.
    pub word: String,
    /// The words that exist, in the order of the enum.
    pub choices: Vec<&'static str>,
}

impl std::fmt::Display for UnknownWord {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "unknown {} {:?}: use {}", self.what, self.word, self.choices.join(", "))
    }
}

impl std::error::Error for UnknownWord {}

/// Declares an enum whose variants are words: `as_str`, `ALL`, `Display`, `FromStr` and serde by that word.
macro_rules! words {
    (
        $(#[$meta:meta])*
        pub enum $name:ident, $what:literal {
            $($(#[$doc:meta])* $variant:ident = $word:literal,)+
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name {
            $($(#[$doc])* #[serde(rename = $word)] $variant,)+
        }

        impl $name {
            /// Every variant, in order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word that stands in files and records.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                out.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::fault::UnknownWord;

            fn from_str(word: &str) -> Result<Self, Self::Err> {
                match word {
                    $($word => Ok(Self::$variant),)+
                    _ => Err($crate::fault::UnknownWord {
                        what: $what,
                        word: word.to_owned(),
                        choices: vec![$($word),+],
                    }),
                }
            }
        }
    };
}

pub(crate) use words;

#[cfg(test)]
mod tests {
    use serde::{Deserialize, de::IntoDeserializer};

    use crate::catalogue::{Category, Role};

    #[test]
    fn a_word_goes_out_and_comes_back() {
        for &role in Role::ALL {
            assert_eq!(role.as_str().parse::<Role>().unwrap(), role);
            assert_eq!(role.to_string(), role.as_str());
            let deserializer: serde::de::value::StrDeserializer<'_, serde::de::value::Error> =
                role.as_str().into_deserializer();
            assert_eq!(Role::deserialize(deserializer).unwrap(), role);
        }
        assert_eq!(Category::CodeAssistant.as_str(), "code-assistant");
    }

    #[test]
    fn an_unknown_word_names_the_choices() {
        let error = "maybe".parse::<crate::catalogue::Strength>().unwrap_err();
        assert_eq!(error.to_string(), "unknown strength \"maybe\": use definite, likely, weak");
    }
}
