//! The models of the demo's gateway, with prices of the order that providers ask.

use crate::engine::money::Currency;

/// What a model does, and so which endpoint it is called at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Chat,
    /// Thinks before it speaks: some of the output is reasoning.
    Reasoning,
    Embedding,
    Image,
}

impl Kind {
    pub(super) fn endpoint(self) -> &'static str {
        match self {
            Self::Chat | Self::Reasoning => "/v1/chat/completions",
            Self::Embedding => "/v1/embeddings",
            Self::Image => "/v1/images/generations",
        }
    }
}

/// A price list, in nano-units: for a token, or of an image model for an image (as `output`).
#[derive(Clone, Copy, Debug)]
pub(super) struct Price {
    pub(super) currency: &'static str,
    pub(super) input: u64,
    pub(super) cache_read: u64,
    pub(super) output: u64,
}

impl Price {
    pub(super) fn currency(&self) -> Currency {
        Currency::parse(self.currency).expect("the list has known codes only")
    }
}

/// A model and how it behaves.
pub(super) struct Model {
    pub(super) name: &'static str,
    pub(super) provider: &'static str,
    pub(super) kind: Kind,
    /// How often it is called, compared with the others.
    pub(super) weight: f64,
    /// `None` is a model that nobody has priced.
    pub(super) price: Option<Price>,
    /// Median ms before the first token.
    pub(super) first_ms: f64,
    /// Median ms for each further token.
    pub(super) token_ms: f64,
}

/// Nano-units a token are thousandths of a unit for a million tokens: 2.50 a million is 2,500.
const fn price(currency: &'static str, input: u64, cache_read: u64, output: u64) -> Option<Price> {
    Some(Price { currency, input, cache_read, output })
}

macro_rules! model {
    ($name:literal, $provider:literal, $kind:ident, $weight:literal, $price:expr, $first:literal, $token:literal) => {
        Model {
            name: $name,
            provider: $provider,
            kind: Kind::$kind,
            weight: $weight,
            price: $price,
            first_ms: $first,
            token_ms: $token,
        }
    };
}

/// The models, by and large the most used first.
#[rustfmt::skip]
pub(super) static MODELS: [Model; 14] = [
    model!("gpt-4o-mini", "openai", Chat, 26.0, price("USD", 150, 75, 600), 380.0, 9.0),
    model!("gpt-4o", "openai", Chat, 15.0, price("USD", 2_500, 1_250, 10_000), 450.0, 13.0),
    model!("claude-sonnet-4", "anthropic", Chat, 12.0, price("USD", 3_000, 300, 15_000), 900.0, 15.0),
    model!("deepseek-chat", "deepseek", Chat, 10.0, price("CNY", 2_000, 500, 8_000), 700.0, 22.0),
    model!("text-embedding-3-small", "openai", Embedding, 9.0, price("USD", 20, 0, 0), 60.0, 0.0),
    model!("gemini-2.5-flash", "google", Chat, 8.0, price("USD", 300, 75, 2_500), 350.0, 5.0),
    model!("qwen-plus", "alibaba", Chat, 6.0, price("CNY", 800, 320, 2_000), 500.0, 14.0),
    model!("claude-3-5-haiku", "anthropic", Chat, 5.0, price("USD", 800, 80, 4_000), 500.0, 10.0),
    model!("o4-mini", "openai", Reasoning, 3.5, price("USD", 1_100, 275, 4_400), 4_000.0, 8.0),
    model!("deepseek-reasoner", "deepseek", Reasoning, 2.5, price("CNY", 4_000, 1_000, 16_000), 6_000.0, 24.0),
    model!("llama-3.3-70b-instruct", "self-hosted", Chat, 2.0, None, 250.0, 18.0),
    model!("gpt-image-1", "openai", Image, 0.8, price("USD", 5_000, 0, 42_000_000), 14_000.0, 0.0),
    model!("gemini-2.5-pro", "google", Reasoning, 0.7, price("USD", 1_250, 310, 10_000), 5_000.0, 9.0),
    model!("wanx2.1-t2i-turbo", "alibaba", Image, 0.5, price("CNY", 0, 0, 140_000_000), 9_000.0, 0.0),
];
