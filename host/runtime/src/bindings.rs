//! The host's side of the contract, generated from `functions/wit`; its types never leave this crate.

wasmtime::component::bindgen!({
    path: "../../functions/wit",
    world: "on-request",
    imports: {
        "usher:function/http": async | trappable,
        "usher:function/access": async | trappable,
        "usher:function/groups": async | trappable,
        "usher:function/identity": async | trappable,
        "usher:function/policy": async | trappable,
        default: trappable,
    },
    exports: { default: async },
    with: { "usher:function/vault.secret": crate::capability::vault::Handle },
});
