use super::ValueError;
use gateway::config::Balance;

/// How an endpoint is chosen: ingress-nginx's words that say so by themselves, and one of ours.
///
/// # Errors
/// The text is none of the words.
pub(crate) fn balance(text: &str) -> Result<Balance, ValueError> {
    Ok(match text {
        "round_robin" => Balance::RoundRobin,
        "ewma" => Balance::Ewma,
        "least_request" => Balance::LeastRequest,
        _ => return Err(ValueError::Expected("\"round_robin\", \"ewma\" or \"least_request\"")),
    })
}
