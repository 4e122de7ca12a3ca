//! A small OpenID provider: the authorization code flow with PKCE, for one client, of a user who is always signed in here.

mod id_token;

use anyhow::{Context, Result, bail, ensure};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, LOCATION};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use id_token::{Signer, encode};
use jiff::Timestamp;
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use tokio::net::TcpListener;

/// Seconds for which tokens are valid.
const VALIDITY: i64 = 3600;

/// The application that users sign in to.
#[derive(Clone, Debug)]
pub struct Client {
    /// Its name.
    pub id: String,
    /// What it proves that with.
    pub secret: String,
    /// The only URL to which a user is sent back.
    pub redirect_uri: String,
}

/// Who signs in.
#[derive(Clone, Debug)]
pub struct User {
    /// The claim `sub`.
    pub subject: String,
    /// The claim `email`.
    pub email: String,
}

/// A running provider.
#[derive(Clone, Debug)]
pub struct Provider {
    /// Its URL.
    pub issuer: String,
}

/// What all requests use.
struct Shared {
    issuer: String,
    client: Client,
    user: User,
    signer: Signer,
    /// What was granted to the client, by the code that it has not redeemed yet.
    grants: Mutex<HashMap<String, Grant>>,
}

/// What is to be known when a code is redeemed.
struct Grant {
    nonce: Option<String>,
    /// Of PKCE (RFC 7636), by S256.
    code_challenge: String,
}

type Parameters = HashMap<String, String>;

impl Provider {
    /// Serves at a free port of an address, over HTTP, until the runtime ends.
    ///
    /// # Errors
    /// If there is no port or no key.
    pub async fn start(address: IpAddr, client: Client, user: User) -> Result<Self> {
        let listener = TcpListener::bind((address, 0)).await?;
        let issuer = format!("http://{}", listener.local_addr()?);
        let (signer, grants) = (Signer::new()?, Mutex::default());
        let shared = Arc::new(Shared { issuer: issuer.clone(), client, user, signer, grants });
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let shared = shared.clone();
                let service = service_fn(move |request| respond(shared.clone(), request));
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Ok(Self { issuer })
    }
}

/// What is wrong with a request is the body of a 400.
async fn respond(shared: Arc<Shared>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>> {
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let answer = match (&head.method, head.uri.path()) {
        (&Method::GET, "/.well-known/openid-configuration") => json(&shared.discovery()),
        (&Method::GET, "/keys") => shared.signer.keys().and_then(|keys| json(&keys)),
        (&Method::GET, "/authorize") => shared.authorize(&parameters(head.uri.query().unwrap_or_default().as_bytes())),
        (&Method::POST, "/token") => shared.redeem(&head.headers, &parameters(&body)).and_then(|tokens| json(&tokens)),
        _ => Ok(Response::builder().status(StatusCode::NOT_FOUND).body(Full::default())?),
    };
    answer.or_else(|error| {
        let said = json!({"error": "invalid_request", "error_description": format!("{error:#}")});
        Ok(Response::builder().status(StatusCode::BAD_REQUEST).body(said.to_string().into())?)
    })
}

impl Shared {
    fn discovery(&self) -> Value {
        let issuer = &self.issuer;
        json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{issuer}/authorize"),
            "token_endpoint": format!("{issuer}/token"),
            "jwks_uri": format!("{issuer}/keys"),
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
            "code_challenge_methods_supported": ["S256"],
        })
    }

    /// Sends the user back to the client with a code.
    fn authorize(&self, asked: &Parameters) -> Result<Response<Full<Bytes>>> {
        ensure!(of(asked, "response_type")? == "code", "another response_type than code");
        ensure!(of(asked, "client_id")? == self.client.id, "an unknown client_id");
        ensure!(of(asked, "redirect_uri")? == self.client.redirect_uri, "another redirect_uri than that of the client");
        ensure!(of(asked, "code_challenge_method")? == "S256", "another code_challenge_method than S256");
        let grant =
            Grant { nonce: asked.get("nonce").cloned(), code_challenge: of(asked, "code_challenge")?.to_owned() };
        let code = random()?;
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("code", &code).append_pair("state", of(asked, "state")?);
        let back = format!("{}?{}", self.client.redirect_uri, query.finish());
        self.grants.lock().insert(code, grant);
        Ok(Response::builder().status(StatusCode::FOUND).header(LOCATION, back).body(Full::default())?)
    }

    /// The tokens for a code, once.
    fn redeem(&self, headers: &HeaderMap, asked: &Parameters) -> Result<Value> {
        // Each of them is form-encoded before (RFC 6749, 2.3.1).
        let [id, secret] = [&self.client.id, &self.client.secret].map(|text| form_encoded(text));
        let expected = format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")));
        ensure!(headers.get(AUTHORIZATION).is_some_and(|value| *value == *expected), "it is not the client who asks");
        ensure!(of(asked, "grant_type")? == "authorization_code", "another grant_type than authorization_code");
        ensure!(of(asked, "redirect_uri")? == self.client.redirect_uri, "another redirect_uri than before");
        let Some(grant) = self.grants.lock().remove(of(asked, "code")?) else { bail!("an unknown code") };
        let challenge = encode(digest(&SHA256, of(asked, "code_verifier")?.as_bytes()));
        ensure!(challenge == grant.code_challenge, "another code_verifier than that of the challenge");
        let now = Timestamp::now().as_second();
        let mut claims = json!({
            "iss": self.issuer,
            "sub": self.user.subject,
            "aud": self.client.id,
            "iat": now,
            "exp": now + VALIDITY,
            "email": self.user.email,
            "email_verified": true,
        });
        if let Some(nonce) = grant.nonce {
            claims["nonce"] = nonce.into();
        }
        Ok(json!({
            "access_token": random()?,
            "token_type": "Bearer",
            "expires_in": VALIDITY,
            "id_token": self.signer.sign(&claims)?,
        }))
    }
}

fn json(value: &Value) -> Result<Response<Full<Bytes>>> {
    Ok(Response::builder().header(CONTENT_TYPE, "application/json").body(value.to_string().into())?)
}

fn parameters(encoded: &[u8]) -> Parameters {
    form_urlencoded::parse(encoded).into_owned().collect()
}

fn form_encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

fn of<'a>(parameters: &'a Parameters, name: &str) -> Result<&'a str> {
    parameters.get(name).map(String::as_str).with_context(|| format!("no {name}"))
}

/// What nobody guesses.
fn random() -> Result<String> {
    let mut bytes = [0; 16];
    rand::fill(&mut bytes)?;
    Ok(encode(bytes))
}
