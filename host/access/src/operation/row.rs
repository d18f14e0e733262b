//! The rows: every operation of the network with its requests and needs.

use super::Need::{Category, KeysetWide};
use super::Service::{Actions, Objects};
use super::{Change, LoneComma, NamePlace, Need, Operation, Service, When};
use crate::permissions::Permission::{self, Delete, Get, Join, Manage, Read, Update, Write};
use crate::resource::ResourceKind::{self, Channel, Group, Uuid};

const GET: &[&str] = &["GET"];
const POST: &[&str] = &["POST"];
const PATCH: &[&str] = &["PATCH"];
const DELETE: &[&str] = &["DELETE"];

const READ_LISTED: &[Need] = &[
    listed(LoneComma::Allowed),
    Need::Named { kind: Group, place: NamePlace::Query(&["channel-group"]), permission: Read },
];
const READ_PUSHED: &[Need] =
    &[Need::Named { kind: Channel, place: NamePlace::Query(&["add", "remove"]), permission: Read }];
const JOIN_NAMED: Need = Need::Named { kind: Channel, place: NamePlace::Body, permission: Join };

pub(super) const ALL: &[Operation] = &[
    row("publish", "publish", GET, &["/publish/{pub}/{sub}/0/{channel}/{callback}/{message}"])
        .needing(&[named(Channel, Write)]),
    row("publish (body)", "publish-body", POST, &["/publish/{pub}/{sub}/0/{channel}/{callback}"])
        .needing(&[named(Channel, Write)]),
    row("publish large", "publish-large", POST, &["/v2/publish/{pub}/{sub}/0/{channel}/{callback}"])
        .needing(&[named(Channel, Write)]),
    row(
        "fire",
        "fire",
        &["GET", "POST"],
        &["/publish/{pub}/{sub}/0/{channel}/{callback}/{message}", "/publish/{pub}/{sub}/0/{channel}/{callback}"],
    )
    .when(When::Fired)
    .needing(&[named(Channel, Write)]),
    row("signal", "signal", GET, &["/signal/{pub}/{sub}/0/{channel}/{callback}/{message}"])
        .needing(&[named(Channel, Write)]),
    row("subscribe", "subscribe", GET, &["/v2/subscribe/{sub}/{channels}/{callback}"]).needing(READ_LISTED),
    row("heartbeat", "heartbeat", GET, &["/v2/presence/sub-key/{sub}/channel/{channels}/heartbeat"])
        .needing(READ_LISTED),
    row("leave / unsubscribe", "leave", GET, &["/v2/presence/sub-key/{sub}/channel/{channels}/leave"]),
    row("here now", "here-now", GET, &["/v2/presence/sub-key/{sub}/channel/{channels}"]).needing(READ_LISTED),
    row("here now (global)", "here-now-global", GET, &["/v2/presence/sub-key/{sub}"])
        .needing(&[KeysetWide { kind: Channel, permission: Read }]),
    row("where now", "where-now", GET, &["/v2/presence/sub-key/{sub}/uuid/{uuid}"]),
    row("get state", "get-state", GET, &["/v2/presence/sub-key/{sub}/channel/{channels}/uuid/{uuid}"])
        .needing(READ_LISTED),
    row("set state", "set-state", GET, &["/v2/presence/sub-key/{sub}/channel/{channels}/uuid/{uuid}/data"])
        .needing(READ_LISTED),
    row("history v2", "history-v2", GET, &["/v2/history/sub-key/{sub}/channel/{channel}"])
        .needing(&[named(Channel, Read)]),
    row("history v3", "history", GET, &["/v3/history/sub-key/{sub}/channel/{channels}"])
        .needing(&[listed(LoneComma::Refused)]),
    row(
        "history with actions",
        "history-with-actions",
        GET,
        &["/v3/history-with-actions/sub-key/{sub}/channel/{channel}"],
    )
    .needing(&[named(Channel, Read)]),
    row("message counts", "message-counts", GET, &["/v3/history/sub-key/{sub}/message-counts/{channels}"])
        .needing(&[listed(LoneComma::Refused)]),
    row("delete messages", "delete-messages", DELETE, &["/v3/history/sub-key/{sub}/channel/{channel}"])
        .needing(&[named(Channel, Delete)]),
    row("list files", "list-files", GET, &["/v1/files/{sub}/channels/{channel}/files"])
        .needing(&[named(Channel, Read)]),
    row(
        "generate upload url",
        "generate-upload-url",
        POST,
        &["/v1/files/{sub}/channels/{channel}/generate-upload-url"],
    )
    .needing(&[named(Channel, Write)]),
    row(
        "publish file message",
        "publish-file-message",
        GET,
        &["/v1/files/publish-file/{pub}/{sub}/0/{channel}/{callback}/{message}"],
    )
    .needing(&[named(Channel, Write)]),
    row("download file", "download-file", GET, &["/v1/files/{sub}/channels/{channel}/files/{id}/{name}"])
        .needing(&[named(Channel, Read)]),
    row("delete file", "delete-file", DELETE, &["/v1/files/{sub}/channels/{channel}/files/{id}/{name}"])
        .needing(&[named(Channel, Delete)]),
    row(
        "group: add channels",
        "group-add-channels",
        GET,
        &["/v1/channel-registration/sub-key/{sub}/channel-group/{group}"],
    )
    .when(When::Query(&["add"]))
    .needing(&[named(Group, Manage)]),
    row(
        "group: remove channels",
        "group-remove-channels",
        GET,
        &["/v1/channel-registration/sub-key/{sub}/channel-group/{group}"],
    )
    .when(When::Query(&["remove"]))
    .needing(&[named(Group, Manage)]),
    row(
        "group: list channels",
        "group-list-channels",
        GET,
        &["/v1/channel-registration/sub-key/{sub}/channel-group/{group}"],
    )
    .needing(&[named(Group, Manage)]),
    row("group: delete", "group-delete", GET, &["/v1/channel-registration/sub-key/{sub}/channel-group/{group}/remove"])
        .needing(&[named(Group, Manage)]),
    row("group: list all", "group-list-all", GET, &["/v1/channel-registration/sub-key/{sub}/channel-group"])
        .needing(&[KeysetWide { kind: Group, permission: Manage }]),
    row("uuid metadata get", "uuid-metadata-get", GET, &["/v2/objects/{sub}/uuids/{uuid}"])
        .of(Objects)
        .needing(&[named(Uuid, Get)]),
    row("uuid metadata set", "uuid-metadata-set", PATCH, &["/v2/objects/{sub}/uuids/{uuid}"])
        .of(Objects)
        .needing(&[named(Uuid, Update)]),
    row("uuid metadata delete", "uuid-metadata-delete", DELETE, &["/v2/objects/{sub}/uuids/{uuid}"])
        .of(Objects)
        .needing(&[named(Uuid, Delete)]),
    row("uuid metadata list", "uuid-metadata-list", GET, &["/v2/objects/{sub}/uuids"])
        .of(Objects)
        .needing(&[Category { kind: Uuid }]),
    row("channel metadata get", "channel-metadata-get", GET, &["/v2/objects/{sub}/channels/{channel}"])
        .of(Objects)
        .needing(&[named(Channel, Get)]),
    row("channel metadata set", "channel-metadata-set", PATCH, &["/v2/objects/{sub}/channels/{channel}"])
        .of(Objects)
        .needing(&[named(Channel, Update)]),
    row("channel metadata delete", "channel-metadata-delete", DELETE, &["/v2/objects/{sub}/channels/{channel}"])
        .of(Objects)
        .needing(&[named(Channel, Delete)]),
    row("channel metadata list", "channel-metadata-list", GET, &["/v2/objects/{sub}/channels"])
        .of(Objects)
        .needing(&[Category { kind: Channel }]),
    row("memberships get", "memberships-get", GET, &["/v2/objects/{sub}/uuids/{uuid}/channels"])
        .of(Objects)
        .needing(&[named(Uuid, Get)]),
    row("memberships set/remove", "memberships-set", PATCH, &["/v2/objects/{sub}/uuids/{uuid}/channels"])
        .of(Objects)
        .needing(&[named(Uuid, Update), JOIN_NAMED]),
    row("members get", "members-get", GET, &["/v2/objects/{sub}/channels/{channel}/uuids"])
        .of(Objects)
        .needing(&[named(Channel, Get)]),
    row("members set", "members-set", PATCH, &["/v2/objects/{sub}/channels/{channel}/uuids"])
        .of(Objects)
        .when(When::Body(Change::Set))
        .needing(&[named(Channel, Manage)]),
    row("members remove", "members-remove", PATCH, &["/v2/objects/{sub}/channels/{channel}/uuids"])
        .of(Objects)
        .when(When::Body(Change::Delete))
        .needing(&[named(Channel, Manage)]),
    row("push add/remove channels", "push-channels", GET, &["/v1/push/sub-key/{sub}/devices/{device}"])
        .when(When::Query(&["add", "remove"]))
        .needing(READ_PUSHED),
    row(
        "push add/remove channels (APNs2)",
        "push-channels-apns2",
        GET,
        &["/v2/push/sub-key/{sub}/devices-apns2/{device}"],
    )
    .when(When::Query(&["add", "remove"]))
    .needing(READ_PUSHED),
    row(
        "push list channels",
        "push-list-channels",
        GET,
        &["/v1/push/sub-key/{sub}/devices/{device}", "/v2/push/sub-key/{sub}/devices-apns2/{device}"],
    ),
    row(
        "push remove device",
        "push-remove-device",
        GET,
        &["/v1/push/sub-key/{sub}/devices/{device}/remove", "/v2/push/sub-key/{sub}/devices-apns2/{device}/remove"],
    ),
    row(
        "message action add",
        "message-action-add",
        POST,
        &["/v1/message-actions/{sub}/channel/{channel}/message/{tt}"],
    )
    .of(Actions)
    .needing(&[named(Channel, Write)]),
    row(
        "message action remove",
        "message-action-remove",
        DELETE,
        &["/v1/message-actions/{sub}/channel/{channel}/message/{tt}/action/{att}"],
    )
    .of(Actions)
    .needing(&[named(Channel, Delete)]),
    row("message actions get", "message-actions-get", GET, &["/v1/message-actions/{sub}/channel/{channel}"])
        .of(Actions)
        .needing(&[named(Channel, Read)]),
    row("time", "time", GET, &["/time/0"]),
];

/// A row of the flat service that needs nothing, until it says otherwise.
const fn row(
    name: &'static str,
    word: &'static str,
    methods: &'static [&'static str],
    paths: &'static [&'static str],
) -> Operation {
    Operation { name, word, methods, paths, when: When::Otherwise, needs: &[], service: Service::Flat }
}

const fn named(kind: ResourceKind, permission: Permission) -> Need {
    Need::Named { kind, place: NamePlace::Path, permission }
}

const fn listed(lone_comma: LoneComma) -> Need {
    Need::Named { kind: Channel, place: NamePlace::PathList { lone_comma }, permission: Read }
}

impl Operation {
    const fn needing(self, needs: &'static [Need]) -> Self {
        Self { needs, ..self }
    }

    const fn when(self, when: When) -> Self {
        Self { when, ..self }
    }

    const fn of(self, service: Service) -> Self {
        Self { service, ..self }
    }
}
