//! Imports an interface that no manifest can list.
#![expect(missing_docs, clippy::too_many_arguments, reason = "the bindings are generated")]

wit_bindgen::generate!({
    path: "../../functions/wit",
    inline: "
        package test:forbidden;

        interface door {
            open: func(key: string) -> bool;
        }

        world forbidden {
            use usher:function/types@0.1.0.{request, response};
            import door;
            export handle: func(request: request) -> result<response, string>;
        }
    ",
    world: "test:forbidden/forbidden",
    generate_all,
});

struct Function;

impl Guest for Function {
    fn handle(request: Request) -> Result<Response, String> {
        let status = if test::forbidden::door::open(&request.path) { 200 } else { 403 };
        Ok(Response { status, headers: Vec::new(), body: Vec::new() })
    }
}

export!(Function);
