//! Puts a server together, binds its ports last, and takes it down without losing a request.

use std::net::SocketAddr;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use std::{fs, io};

use axum::body::Body;
use axum::http::{Request, Response};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tower::ServiceExt;
use usher_runtime::{Engine, EngineError};

use crate::access_manager::AccessManager;
use crate::admin::{Admin, AdminService, AdminToken};
use crate::authorize::Authorizer;
use crate::body::Bodies;
use crate::clock::Clock;
use crate::config::{Config, DataFolder, Listen};
use crate::data_plane::{DataPlane, Services};
use crate::decisions::Decisions;
use crate::deepstream::Deepstream;
use crate::deployments::{Deployments, Parts};
use crate::gateway::{Forwarder, Gateway};
use crate::kept::Kept;
use crate::keysets::Keysets;
use crate::listener::{Answer, Listener, Protocols};
use crate::metrics::{self, Health, Metrics};
use crate::seconds;
use crate::store::pairs::Pairs;
use crate::store::secrets::{Secrets, VaultError};
use crate::store::{OpenError, Store};
use crate::tls::{Tls, TlsError};

/// How often expired things are swept and certificates looked at.
const HOUSEKEEPING: Duration = Duration::from_secs(5);
/// Sweeps happen every so many rounds of housekeeping.
const SWEEP_ROUNDS: u32 = 12;

/// A server whose ports are bound and whose requests are being answered.
#[derive(Debug)]
pub struct Server {
    addresses: Addresses,
    store: Arc<Store>,
    draining: Arc<AtomicBool>,
    chores: Arc<Chores>,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
    /// Health is told until the last request is answered.
    health: Stoppable,
    /// So is the time.
    seconds: Stoppable,
}

/// A task that ends when it is told to.
#[derive(Debug)]
struct Stoppable {
    stop: watch::Sender<bool>,
    task: JoinSet<()>,
}

/// The addresses that were bound; with port 0 in the configuration, the ports that were found.
#[derive(Debug, Clone, Copy)]
pub struct Addresses {
    /// The data plane.
    pub data_plane: SocketAddr,
    /// The admin API.
    pub admin: SocketAddr,
    /// Metrics and health.
    pub metrics: SocketAddr,
    /// Decisions for proxies and other servers.
    pub decisions: SocketAddr,
}

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The store did not open.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// The vault stayed closed.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The sandboxes could not be set up.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// Certificate or key cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// What is stored cannot be read.
    #[error("the stored state cannot be loaded: {0}")]
    State(String),
    /// A port is taken, or not ours to take.
    #[error("cannot listen on {address}: {error}; `{key}` names another address")]
    Bind {
        /// What was asked for.
        address: SocketAddr,
        /// The setting behind it.
        key: &'static str,
        /// What the system says.
        error: io::Error,
    },
    /// The admin token's file cannot be read or made.
    #[error("admin token in `{0}`: {1}")]
    AdminToken(String, io::Error),
    /// The operating system gives no randomness.
    #[error("no randomness: {0}")]
    Randomness(String),
}

impl Server {
    /// Opens, loads and checks everything, then binds the ports.
    ///
    /// `roots` are PEM certificates that outbound calls trust besides the system's.
    ///
    /// # Errors
    /// The first thing that does not work; nothing is listening then and nothing stored was changed.
    pub async fn start(config: Config, clock: Clock, roots: Vec<Vec<u8>>) -> Result<Self, StartError> {
        let Config { listen, data, master_key, limits, engine, decisions_kept, log: _ } = config;
        let store = match &data {
            DataFolder::Disk(folder) => Store::open(folder)?,
            DataFolder::Memory(folder) => {
                Store::make_folder(folder)?;
                Store::in_memory()
            }
        };
        let folder = data.path();
        let secrets = Arc::new(Secrets::unlock(Arc::clone(&store), &master_key)?);
        let token = admin_token(&folder.join("admin.token"))?;
        let engine = Engine::new(usher_runtime::EngineSettings { cache: Some(folder.join("cache")), ..engine })?;
        let state = |error: &dyn std::fmt::Display| StartError::State(error.to_string());
        let keysets = Keysets::load(Arc::clone(&store), Arc::clone(&secrets), clock.clone(), roots.clone());
        let keysets = Arc::new(keysets.map_err(|error| state(&error))?);
        let pairs = Pairs::new(Arc::clone(&store), clock.clone());
        let forwarder = Forwarder::new(&roots).map_err(|error| state(&error))?;
        let (of_parts, limited) = (Arc::clone(&store), (roots, limits.per_user));
        let parts = Parts::new(of_parts, Arc::clone(&secrets), Arc::clone(&pairs), clock.clone(), limited);
        let deployments = Deployments::load(Arc::clone(&store), engine, Arc::clone(&keysets), parts);
        let deployments = Arc::new(deployments.map_err(|error| state(&error))?);
        let metrics = Metrics::new();
        let kept = Kept::new(Arc::clone(&store), clock.clone(), Arc::clone(&metrics), decisions_kept);
        let authorizer = Authorizer { keysets: Arc::clone(&keysets), clock: clock.clone() };
        let (tell, told) = watch::channel(clock.seconds());
        let bodies = Bodies::new(listen.body_time);
        let services = Services {
            deployments: Arc::clone(&deployments),
            access_manager: AccessManager { authorizer: authorizer.clone(), bodies: bodies.clone() },
            kept: Arc::clone(&kept),
            gateway: Gateway { authorizer: authorizer.clone(), forwarder, seconds: told, bodies: bodies.clone() },
        };
        let deepstream = Deepstream {
            deployments: Arc::clone(&deployments),
            secrets: Arc::clone(&secrets),
            clock: clock.clone(),
            kept: Arc::clone(&kept),
        };
        // A budget of their own: what strangers send to the data plane leaves proxies theirs.
        let of_proxies = Bodies::new(listen.body_time);
        let decisions =
            Arc::new(Decisions::new((authorizer, Arc::clone(&kept)), Arc::clone(&metrics), (of_proxies, deepstream)));
        let data_plane = Arc::new(DataPlane::new(services, Arc::clone(&metrics), (limits.per_address, bodies)));
        let tls = listen.tls.clone().map(Tls::load).transpose()?.map(Arc::new);
        let chores = Arc::new(Chores {
            keysets: Arc::clone(&keysets),
            deployments: Arc::clone(&deployments),
            pairs,
            data_plane: Arc::clone(&data_plane),
            tls: tls.clone(),
        });
        let of_seconds = clock.clone();
        let admin = Admin { keysets, deployments, secrets, store: Arc::clone(&store), clock, kept };
        let draining = Arc::new(AtomicBool::new(false));
        let health = Health { store: Arc::clone(&store), draining: Arc::clone(&draining) };

        let sockets = Sockets::bind(&listen).await?;
        let addresses = sockets.addresses;
        // Tells the CLI where to find this server, whichever port was free.
        let told = fs::write(folder.join("admin.url"), format!("http://{}\n", addresses.admin));
        told.map_err(|error| OpenError::Folder(folder.display().to_string(), error))?;
        let (stop, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        let listener = |socket, tls| Listener {
            socket,
            tls,
            protocols: Protocols::Http1,
            connections: listen.connections,
            header_time: listen.header_time,
            drain: listen.drain,
        };
        tasks.spawn(listener(sockets.data_plane, tls).serve(data_plane, stopped.clone()));
        tasks.spawn(listener(sockets.admin, None).serve(Arc::new(AdminService::new(admin, token)), stopped.clone()));
        let for_proxies = Listener { protocols: Protocols::Http1AndHttp2, ..listener(sockets.decisions, None) };
        tasks.spawn(for_proxies.serve(decisions, stopped.clone()));
        let metrics = Arc::new(MetricsService(metrics::router(metrics, health)));
        let health = Stoppable::start(|stopped| listener(sockets.metrics, None).serve(metrics, stopped));
        let seconds = Stoppable::start(|stopped| seconds::tell(of_seconds, tell, stopped));
        tasks.spawn(Arc::clone(&chores).run(stopped));
        Ok(Self { addresses, store, draining, chores, stop, tasks, health, seconds })
    }

    /// Where it listens.
    #[must_use]
    pub const fn addresses(&self) -> Addresses {
        self.addresses
    }

    /// Does at once what is done every few seconds: reads a changed certificate, and forgets what has expired.
    pub async fn tidy(&self) {
        for chore in [Chores::look, Chores::sweep] {
            Arc::clone(&self.chores).run_once(chore).await;
        }
    }

    /// Stops accepting, lets every accepted request finish within `server.drain`, and brings the store to disk.
    pub async fn stop(mut self) {
        self.draining.store(true, Ordering::SeqCst);
        self.stop.send_replace(true);
        while self.tasks.join_next().await.is_some() {}
        self.health.stop().await;
        self.seconds.stop().await;
        let store = Arc::clone(&self.store);
        let flushed = tokio::task::spawn_blocking(move || store.flush()).await;
        if let Ok(Err(error)) = flushed {
            tracing::error!(%error, "the store could not be brought to disk");
        }
    }
}

impl Stoppable {
    fn start<F: Future<Output = ()> + Send + 'static>(work: impl FnOnce(watch::Receiver<bool>) -> F) -> Self {
        let (stop, stopped) = watch::channel(false);
        let mut task = JoinSet::new();
        task.spawn(work(stopped));
        Self { stop, task }
    }

    async fn stop(mut self) {
        self.stop.send_replace(true);
        while self.task.join_next().await.is_some() {}
    }
}

impl Answer for DataPlane {
    async fn answer(&self, request: Request<Body>, peer: SocketAddr) -> Response<Body> {
        Self::answer(self, request, peer).await
    }
}

/// Metrics and health as a service of their own listener.
struct MetricsService(axum::Router);

impl Answer for MetricsService {
    async fn answer(&self, request: Request<Body>, _peer: SocketAddr) -> Response<Body> {
        match self.0.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }
}

struct Sockets {
    data_plane: TcpListener,
    admin: TcpListener,
    metrics: TcpListener,
    decisions: TcpListener,
    addresses: Addresses,
}

impl Sockets {
    async fn bind(listen: &Listen) -> Result<Self, StartError> {
        let (data_plane, at_data_plane) = bind(listen.data_plane, "server.listen").await?;
        let (admin, at_admin) = bind(listen.admin, "server.admin").await?;
        let (metrics, at_metrics) = bind(listen.metrics, "server.metrics").await?;
        let (decisions, at_decisions) = bind(listen.decisions, "server.decisions").await?;
        let addresses =
            Addresses { data_plane: at_data_plane, admin: at_admin, metrics: at_metrics, decisions: at_decisions };
        Ok(Self { data_plane, admin, metrics, decisions, addresses })
    }
}

async fn bind(address: SocketAddr, key: &'static str) -> Result<(TcpListener, SocketAddr), StartError> {
    let failed = |error| StartError::Bind { address, key, error };
    let socket = TcpListener::bind(address).await.map_err(failed)?;
    let bound = socket.local_addr().map_err(failed)?;
    Ok((socket, bound))
}

/// What is done every few seconds while the server runs.
#[derive(Debug)]
struct Chores {
    keysets: Arc<Keysets>,
    deployments: Arc<Deployments>,
    pairs: Arc<Pairs>,
    data_plane: Arc<DataPlane>,
    tls: Option<Arc<Tls>>,
}

impl Chores {
    async fn run(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        for round in 1_u32.. {
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                () = tokio::time::sleep(HOUSEKEEPING) => {}
            }
            Arc::clone(&self).run_once(Self::look).await;
            if round.is_multiple_of(SWEEP_ROUNDS) {
                Arc::clone(&self).run_once(Self::sweep).await;
            }
        }
    }

    async fn run_once(self: Arc<Self>, chore: fn(&Self)) {
        if let Err(error) = tokio::task::spawn_blocking(move || chore(&self)).await {
            tracing::error!(%error, "housekeeping failed");
        }
    }

    fn look(&self) {
        if let Some(tls) = &self.tls {
            tls.refresh();
        }
    }

    fn sweep(&self) {
        self.data_plane.sweep();
        self.deployments.sweep();
        if let Err(error) = self.keysets.sweep().and_then(|_| self.pairs.sweep()) {
            tracing::error!(%error, "expired grants or pairs not swept");
        }
    }
}

/// The token of the admin API, made with mode 0600 at the first start.
fn admin_token(file: &Path) -> Result<AdminToken, StartError> {
    let failed = |error| StartError::AdminToken(file.display().to_string(), error);
    if !file.exists() {
        let mut random = [0; 32];
        getrandom::fill(&mut random).map_err(|error| StartError::Randomness(error.to_string()))?;
        let token = hex::encode(random);
        let mut options = fs::OpenOptions::new();
        let made = options.write(true).create_new(true).mode(0o600).open(file);
        made.and_then(|mut opened| io::Write::write_all(&mut opened, token.as_bytes())).map_err(failed)?;
    }
    let mode = fs::metadata(file).map_err(failed)?.permissions().mode();
    if mode & 0o077 != 0 {
        let open = io::Error::new(io::ErrorKind::PermissionDenied, "open to others; run `chmod 600` on it");
        return Err(failed(open));
    }
    let token = fs::read_to_string(file).map_err(failed)?;
    let token = token.trim();
    if token.len() < 32 {
        return Err(failed(io::Error::new(io::ErrorKind::InvalidData, "too short; delete it and a new one is made")));
    }
    Ok(AdminToken(token.into()))
}
