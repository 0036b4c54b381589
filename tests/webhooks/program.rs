//! The real worker, killed between sending and marking, and a receiver by HTTPS.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use axum::serve::Listener;
use mimamori::config::Database;
use mimamori::contract::WebhookEvent;
use mimamori::store::webhooks::DeliveryState;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::server::TlsStream;
use tokio_rustls::{TlsAcceptor, rustls};

use crate::receiver::{Answer, Receiver};
use crate::running::{Worker, eventually, message, program, run, text};
use crate::support::database;
use crate::values::*;

/// Connections by TLS.
struct Encrypted {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl Listener for Encrypted {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (stream, address) = self.listener.accept().await.unwrap();
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A certificate for `localhost` that says of itself whom to trust: `cert.pem` and `key.pem` in the folder. Not that of an authority, which no
/// client takes for a server's own.
fn certificate(folder: &Path) {
    let arguments = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -noenc -days 2 -subj /CN=localhost \
                     -addext subjectAltName=DNS:localhost -addext basicConstraints=critical,CA:FALSE -keyout key.pem -out cert.pem";
    let made = Command::new("openssl").args(arguments.split_whitespace()).current_dir(folder).output();
    let made = made.expect("this test needs openssl");
    assert!(made.status.success(), "{}", text(&made.stderr));
}

async fn encrypted_receiver(folder: &Path) -> Receiver {
    certificate(folder);
    let chain = vec![CertificateDer::from_pem_file(folder.join("cert.pem")).unwrap()];
    let key = PrivateKeyDer::from_pem_file(folder.join("key.pem")).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (router, receiver) = Receiver::new(listener.local_addr().unwrap(), Answer::Nothing);
    let listener = Encrypted { listener, acceptor: TlsAcceptor::from(Arc::new(config)) };
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    receiver
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_is_killed_while_it_sends_sends_again_by_https_under_the_same_id() {
    let folder = tempfile::tempdir().unwrap();
    let mut receiver = encrypted_receiver(folder.path()).await;
    let database = Database::Sqlite(folder.path().join("store.db"));
    let store = mimamori::store::open(&database, 4).await.unwrap();
    store.migrate().await.unwrap();
    let url = format!("https://localhost:{}/hooks", receiver.address.port());
    let id = endpoint(&*store, &url, &WebhookEvent::ALL).await.endpoint_id;
    let [db, queue] =
        ["store.db", "queue.db"].map(|name| format!("sqlite:{}", folder.path().join(name).display()));
    // The worker's environment is the test's but for what names its settings.
    let certificate = folder.path().join("cert.pem").display().to_string();
    let settings = [
        ("STORE__URL", db.as_str()),
        ("QUEUE__URL", queue.as_str()),
        ("WEBHOOKS__ALLOW_PRIVATE", "true"),
        ("LOG__LEVEL", "info"),
    ];
    let mut enqueue = program();
    enqueue.args(["enqueue", "messages"]);
    settings.iter().for_each(|(name, value)| _ = enqueue.env(format!("MIMAMORI__{name}"), value));
    let line = message("m-1", "t-1", "buyer", "こんにちは、まだ購入できますか？", 1);
    let output = run(&mut enqueue, line.as_bytes());
    assert!(output.status.success(), "{}", text(&output.stderr));
    let log = folder.path().join("log");
    let worker = Worker::start_with(&settings, &[("SSL_CERT_FILE", &certificate)], log.clone());
    let first = receiver.next().await;
    worker.kill();
    assert_eq!(first.json()["data"]["message_id"], "m-1");
    assert_eq!(first.signed_by(&[secret(7)]), [true]);
    receiver.answer(Answer::Status(200)).await;
    let sent = deliveries(&*store, id).await;
    assert_eq!((sent.len(), sent[0].state, sent[0].attempts.len()), (1, DeliveryState::Pending, 0));
    // Its claim is over.
    database::execute(&database, "update webhook_deliveries set due_at = 0").await;
    let worker = Worker::start_with(&settings, &[("SSL_CERT_FILE", &certificate)], log);
    let second = receiver.next().await;
    assert_eq!((second.id(), &second.body), (first.id(), &first.body));
    eventually("the second attempt is marked", async || {
        let sent = deliveries(&*store, id).await;
        (sent[0].state != DeliveryState::Delivered).then(|| format!("{sent:?}"))
    })
    .await;
    let (status, metrics) = worker.get("/metrics").unwrap();
    assert_eq!(status, 200);
    assert!(metrics.contains("mimamori_webhook_attempts_total{outcome=\"delivered\"} 1"), "{metrics}");
    let log = worker.log();
    assert!(!log.contains("whsec_") && !log.contains("/hooks") && !log.contains("こんにちは"), "{log}");
    assert_eq!(worker.terminate(), Some(0));
}
