//! The demo keyset of `usher dev`: its keys, and the lines that show how to use them.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use serde_json::{Value, json};
use usher_server::{Addresses, DemoKeys};

use crate::failure::Failure;

/// Keys for trying out; the secret key is in the vault as well.
#[derive(Debug)]
pub(crate) struct Demo {
    pub(crate) subscribe_key: String,
    pub(crate) publish_key: String,
    pub(crate) secret_key: String,
}

impl Demo {
    /// The keys of an earlier start, or new ones in a file of mode 0600.
    pub(crate) fn load_or_make(file: &Path) -> Result<Self, Failure> {
        if let Ok(text) = fs::read_to_string(file) {
            return Self::read(&text)
                .ok_or_else(|| Failure::failed(format!("{} is damaged; delete it", file.display())));
        }
        let DemoKeys { subscribe_key, publish_key, secret_key } = DemoKeys::make().map_err(Failure::failed)?;
        let demo = Self { subscribe_key, publish_key, secret_key };
        let text = json!({ "subscribe_key": demo.subscribe_key, "publish_key": demo.publish_key, "secret_key": demo.secret_key });
        let mut options = OpenOptions::new();
        let opened = options.write(true).create_new(true).mode(0o600).open(file);
        opened.and_then(|mut opened| writeln!(opened, "{text}")).map_err(Failure::failed)?;
        Ok(demo)
    }

    fn read(text: &str) -> Option<Self> {
        let keys: Value = serde_json::from_str(text).ok()?;
        let key = |name: &str| keys.get(name).and_then(Value::as_str).map(str::to_owned);
        Some(Self {
            subscribe_key: key("subscribe_key")?,
            publish_key: key("publish_key")?,
            secret_key: key("secret_key")?,
        })
    }

    /// What a newcomer reads.
    pub(crate) fn welcome(&self, endpoint: &str, at: Addresses, data: &Path) -> String {
        let Self { subscribe_key, publish_key, secret_key } = self;
        let (admin, data) = (at.admin, data.display());
        let body = r#"{"uuid":"alice","namespace":"demo","authKey":"alice-key"}"#;
        format!(
            "Usher is ready.

  endpoint        {endpoint}
  subscribe key   {subscribe_key}
  publish key     {publish_key}
  secret key      {secret_key}
  admin API       http://{admin}
  data            {data}

connect with curl:
  curl -s '{endpoint}?route=connect' -H 'content-type: application/json' -d '{body}'

connect with JavaScript (Node 20 or a browser):
  console.log(await (await fetch('{endpoint}?route=connect', {{ method: 'POST', body: '{body}' }})).json())

connect with chat-engine (npm install chat-engine; `origin` is the network that carries your messages):
  ChatEngineCore.create({{ subscribeKey: '{subscribe_key}', publishKey: '{publish_key}', origin: 'YOUR-NETWORK' }}, {{ endpoint: '{endpoint}', namespace: 'demo' }}).connect('alice', 'alice-key')

see what was granted:
  usher --data {data} grant list

The demo believes every caller (authentication \"none\"). Stop with Ctrl-C; what is granted stays in the data folder."
        )
    }
}
