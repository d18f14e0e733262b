//! A component of another world: nothing in it handles requests.
#![expect(missing_docs, reason = "the bindings are generated")]

wit_bindgen::generate!({
    inline: "
        package test:wrong;

        world wrong {
            export run: func() -> u32;
        }
    ",
});

struct Program;

impl Guest for Program {
    fn run() -> u32 {
        7
    }
}

export!(Program);
