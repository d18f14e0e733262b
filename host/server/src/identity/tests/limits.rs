//! How often a user may ask and from where, and the bounds of what is configured.

use serde_json::json;
use usher_runtime::capability::identity::IdentityError;

use super::{Bed, mistakes};

const TRUSTING: &str = "[[authentication]]\nkind = \"none\"\n";

async fn is_let_in(bed: &Bed, name: &str, address: &str) -> bool {
    match bed.login_from(json!({ "username": name }), json!({ "remoteAddress": address })).await {
        Ok(_) => true,
        Err(IdentityError::RateLimited { .. }) => false,
        Err(error) => panic!("{error:?}"),
    }
}

async fn let_in(bed: &Bed, name: &str, addresses: impl Iterator<Item = String>) -> usize {
    let mut let_in = 0;
    for address in addresses {
        let_in += usize::from(is_let_in(bed, name, &address).await);
    }
    let_in
}

#[tokio::test]
async fn a_name_has_its_share_in_every_place_and_an_ipv6_network_is_one() {
    let bed = Bed::limited(TRUSTING, 1);
    for (name, addresses) in [
        ("one", vec!["192.0.2.1".to_owned(); 30]),
        ("behind a proxy", (0..30).map(|number| format!("198.51.100.{number}, 192.0.2.1")).collect()),
        ("mapped", (0..30).map(|number| ["192.0.2.1", "::ffff:192.0.2.1"][number % 2].to_owned()).collect()),
        ("network", (0..30).map(|number| format!("2001:db8:0:7::{number:x}")).collect()),
    ] {
        let let_in = let_in(&bed, name, addresses.into_iter()).await;
        assert!((10..=12).contains(&let_in), "{name}: {let_in}");
    }
    assert!(is_let_in(&bed, "network", "2001:db8:0:8::1").await, "another network");
    assert!(is_let_in(&bed, "somebody", "192.0.2.1").await, "another name");
}

#[tokio::test]
async fn a_name_has_one_share_however_many_addresses_a_client_makes_up() {
    let bed = Bed::limited(TRUSTING, 1);
    let made_up = (0..300).map(|number| format!("10.0.{}.{}", number / 200, number % 200));
    let let_in = let_in(&bed, "chris", made_up).await;
    assert!((100..=150).contains(&let_in), "{let_in}");
    assert!(is_let_in(&bed, "max", "10.0.0.1").await);
}

#[tokio::test]
async fn logins_that_only_their_cookies_tell_apart_share_nothing() {
    let bed = Bed::limited("[[authentication]]\nkind = \"http\"\nurl = \"http://localhost/who\"\n", 1);
    bed.validator.says(super::status(200, "\"chris\""));
    for number in 0..30 {
        let around = json!({ "remoteAddress": "192.0.2.1", "headers": { "cookie": format!("session={number}") } });
        assert!(bed.login_from(json!({}), around).await.is_ok(), "{number}");
    }
}

#[test]
fn a_length_of_time_out_of_its_bounds_is_a_mistake() {
    let webhook = "kind = \"http\"\nurl = \"https://id/who\"";
    let keys = "kind = \"jwt\"\njwks_url = \"https://id/keys\"";
    let users = "kind = \"file\"\nusers = \"\"";
    for (kind, option, expected) in [
        (webhook, "timeout = \"0s\"", "`authentication.timeout`: 1ms at the least"),
        (webhook, "timeout = \"31s\"", "30s at the most"),
        (webhook, "cache = \"6m\"", "5m at the most"),
        (webhook, "negative_cache = \"61s\"", "1m at the most"),
        (webhook, "breaker = {pause = \"11m\"}", "10m at the most"),
        (keys, "timeout = \"31s\"", "30s at the most"),
        (keys, "refresh = \"2d\"", "24h at the most"),
        (keys, "cooldown = \"999ms\"", "1s at the least"),
        (keys, "cooldown = \"2h\"", "1h at the most"),
        (keys, "negative_cache = \"2h\"", "1h at the most"),
        (keys, "stale_if_error = \"2d\"", "24h at the most"),
        (users, "cache = \"6m\"", "5m at the most"),
    ] {
        let told = mistakes(&format!("[[authentication]]\n{kind}\n{option}\n"));
        assert!(told.contains(expected), "{option}: {told}");
    }
}
