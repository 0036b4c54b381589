//! What the sender of a message is told, by policy and language. The backend delivers it.

use crate::contract::{Language, Policy};

/// The warning for a message that violates this policy.
pub(in crate::console) fn text(policy: &Policy, language: Language) -> &'static str {
    match (policy.as_str(), language) {
        ("external_induction", Language::Ja) => {
            "サービスの外での連絡や取引、支払いへの誘導は、利用規約で禁止されています。やりとりとお支払いは、必ずサービス内で行ってください。繰り返された場合、ご利用を制限することがあります。"
        }
        ("external_induction", Language::En) => {
            "Our terms do not allow you to move contact, deals or payments off the platform. Please keep talking and paying here. If this happens again, your account may be restricted."
        }
        ("harassment", Language::Ja) => {
            "相手を傷つけたり、おどしたりするメッセージは、利用規約で禁止されています。相手の立場に立ったやりとりをお願いします。繰り返された場合、ご利用を制限することがあります。"
        }
        ("harassment", Language::En) => {
            "Our terms do not allow messages that insult, threaten or pressure others. Please be considerate. If this happens again, your account may be restricted."
        }
        (_, Language::Ja) => {
            "お送りいただいたメッセージは、利用規約に反するおそれがあります。利用規約をご確認ください。繰り返された場合、ご利用を制限することがあります。"
        }
        (_, Language::En) => {
            "A message that you sent may be against our terms. Please read them again. If this happens again, your account may be restricted."
        }
    }
}
