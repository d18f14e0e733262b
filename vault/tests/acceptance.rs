//! What the vault promises to its caller, tried from outside against a storage that lies.

#[cfg(test)]
mod acceptance {
    mod bed;
    mod change;
    mod format;
    mod keys;
    mod silence;
    mod untrusted_storage;
}
