//! The arithmetic of the encoder, chosen for the processor at run time.
//!
//! Every routine is written once, as plain Rust that the compiler can vectorise, and compiled twice: for any processor, and for
//! those with AVX2 and FMA. Only the matrix product has hand-written instructions; its integer sums are exact, so both paths
//! give the same sums.

mod attention;
mod elementwise;
mod linear;

pub use attention::{Segment, attend};
pub(crate) use elementwise::erf;
pub use elementwise::{add_layer_norm, gelu, layer_norm};
pub use linear::{Activations, QuantisedDense};

/// Which compiled variant runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Isa {
    /// Any processor.
    Portable,
    /// x86-64 with AVX2 and FMA.
    Avx2,
}

impl Isa {
    /// The best variant that this processor runs.
    pub fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        if std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("fma") {
            return Isa::Avx2;
        }
        Isa::Portable
    }
}

/// Compiles a function body for any processor and again with AVX2 and FMA, and picks by the [`Isa`] given.
macro_rules! multiversion {
    ($(#[$doc:meta])* pub fn $name:ident($($arg:ident: $kind:ty),* $(,)?) => $body:ident) => {
        $(#[$doc])*
        #[allow(clippy::too_many_arguments)]
        pub fn $name(isa: $crate::model::encoder::kernel::Isa, $($arg: $kind),*) {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2,fma")]
                fn avx2($($arg: $kind),*) {
                    $body($($arg),*)
                }
                if isa == $crate::model::encoder::kernel::Isa::Avx2 {
                    // SAFETY: `Isa::Avx2` is only made by `Isa::detect` after it found both features.
                    return unsafe { avx2($($arg),*) };
                }
            }
            let _ = isa;
            $body($($arg),*)
        }
    };
}
pub(crate) use multiversion;
