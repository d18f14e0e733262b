"""PubNub's Python SDK, unmodified, behind the verbs of bed/sdks.mjs: one JSON line in asks, one JSON line out answers.

In:  {"id": 1, "client": "c1", "verb": "publish", "settings": {…}}; the verbs `open`, `listen` and `close` are about the client itself.
Out: {"id": 1, "value": …} | {"id": 1, "refused": {"status": 403, "body": …}} | {"id": 1, "fault": "…"}
     {"client": "c1", "event": "message", "value": {…}} whenever a listening client hears something.
"""

import json
import logging
import os
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

from pubnub.callbacks import SubscribeCallback
from pubnub.enums import PNPushType, PNReconnectionPolicy, PNStatusCategory
from pubnub.exceptions import PubNubException
from pubnub.models.consumer.message_actions import PNMessageAction
from pubnub.models.consumer.objects_v2.channel_members import PNUserMember
from pubnub.models.consumer.objects_v2.memberships import PNChannelMembership
from pubnub.models.consumer.v3.category import Category
from pubnub.models.consumer.v3.channel import Channel
from pubnub.models.consumer.v3.group import Group
from pubnub.models.consumer.v3.uuid import UUID
from pubnub.pnconfiguration import PNConfiguration
from pubnub.pubnub import PubNub

DEVICE = {"device_id": "device-1", "push_type": PNPushType.FCM}
FILE = {"file_id": "file-1", "file_name": "cat.txt"}


def open_client(settings):
    config = PNConfiguration()
    config.subscribe_key = settings["subscribeKey"]
    config.publish_key = settings["publishKey"]
    config.secret_key = settings.get("secretKey")
    config.auth_key = settings.get("authKey")
    config.origin = settings["origin"]
    config.ssl = False
    config.user_id = settings["uuid"]
    config.reconnect_policy = PNReconnectionPolicy.NONE
    config.daemon = True
    pubnub = PubNub(config)
    if settings.get("token"):
        pubnub.set_token(settings["token"])
    return pubnub


class Listener(SubscribeCallback):
    def __init__(self, tell):
        self.tell = tell

    def status(self, _pubnub, status):
        if status.category == PNStatusCategory.PNConnectedCategory:
            self.tell("connected", None)
        if status.category == PNStatusCategory.PNAccessDeniedCategory:
            self.tell("denied", None)

    def message(self, _pubnub, message):
        self.tell("message", {"channel": message.channel, "message": message.message, "publisher": message.publisher})

    def presence(self, _pubnub, _presence):
        pass


def listen(pubnub, settings, tell):
    pubnub.add_listener(Listener(tell))
    call = pubnub.subscribe().channels(settings.get("channels", []))
    call.channel_groups(settings.get("groups", [])).execute()


def flagged(resource, words):
    for word in words:
        getattr(resource, word)()
    return resource


def permits(kind, plural, settings):
    exact = settings.get("resources", {}).get(plural, {})
    patterns = settings.get("patterns", {}).get(plural, {})
    return [flagged(kind.id(name), words) for name, words in exact.items()] + [
        flagged(kind.pattern(source), words) for source, words in patterns.items()
    ]


def grant_token(pubnub, settings):
    call = pubnub.grant_token().ttl(settings["ttl"]).meta(settings.get("meta"))
    call.channels(permits(Channel, "channels", settings))
    call.groups(permits(Group, "groups", settings))
    call.uuids(permits(UUID, "uuids", settings))
    call.categories([getattr(Category, name)().get() for name in settings.get("categories", [])])
    if settings.get("uuid"):
        call.authorized_uuid(settings["uuid"])
    return call.sync().result.token


def revoke_token(pubnub, settings):
    pubnub.revoke_token(settings["token"]).sync()


def parse_token(pubnub, settings):
    try:
        token = pubnub.parse_token(settings["token"])
    except Exception:  # The SDK lets whatever its decoder throws pass.
        return None
    return {
        "version": token["version"],
        "timestamp": token["timestamp"],
        "ttl": token["ttl"],
        "uuid": token["authorized_uuid"],
        "resources": worded(token["resources"]),
        "patterns": worded(token["patterns"]),
        "meta": token["meta"],
    }


def worded(permissions):
    def held(allowed):
        return sorted(word for word, held in allowed.items() if held)

    kinds = ("channels", "groups", "uuids")
    return {kind: {name: held(allowed) for name, allowed in permissions.get(kind, {}).items()} for kind in kinds}


def grant(pubnub, settings):
    call = pubnub.grant()
    for setter, name in (("channels", "channels"), ("channel_groups", "groups"), ("uuids", "uuids"), ("auth_keys", "keys")):
        if settings.get(name):
            getattr(call, setter)(settings[name])
    # The SDK sends only the flags it was told, and refuses to send none.
    for permission in settings["permissions"] or ["read"]:
        getattr(call, permission)(permission in settings["permissions"])
    if settings.get("ttl") is not None:
        call.ttl(settings["ttl"])
    return call.sync().status.original_response["payload"]


def audit(pubnub, settings):
    call = pubnub.audit()
    for setter, value in (
        ("channels", [settings.get("channel")]),
        ("channel_groups", [settings.get("group")]),
        ("auth_keys", settings.get("keys", [])),
    ):
        getattr(call, setter)([name for name in value if name])
    return call.sync().status.original_response["payload"]


def publish(pubnub, settings, use_post=False):
    pubnub.publish().channel(settings["channel"]).message(settings["message"]).use_post(use_post).sync()


def history(pubnub, settings):
    return [item.entry for item in pubnub.history().channel(settings["channel"]).count(100).sync().result.messages]


def list_group(pubnub, settings):
    return pubnub.list_channels_in_channel_group().channel_group(settings["group"]).sync().result.channels


def add_action(pubnub, settings):
    action = PNMessageAction().create(type="reaction", value="smile", message_timetoken=settings["timetoken"])
    pubnub.add_message_action().channel(settings["channel"]).message_action(action).sync()


def remove_action(pubnub, settings):
    call = pubnub.remove_message_action().channel(settings["channel"])
    call.message_timetoken(settings["timetoken"]).action_timetoken(settings["timetoken"]).sync()


def send_file(pubnub, settings):
    pubnub.send_file().channel(settings["channel"]).file_name(FILE["file_name"]).message({}).file_object(b"meow").sync()


def of_file(call, settings):
    return call.channel(settings["channel"]).file_id(FILE["file_id"]).file_name(FILE["file_name"])


def members(settings):
    return [PNUserMember(uuid) for uuid in settings["uuids"]]


def memberships(settings):
    return [PNChannelMembership.channel(channel) for channel in settings["channels"]]


# Each returns something JSON can carry, or a request whose answer nobody asks for.
VERBS = {
    "grantToken": grant_token,
    "revokeToken": revoke_token,
    "parseToken": parse_token,
    "grant": grant,
    "audit": audit,
    "time": lambda pubnub, _: pubnub.time(),
    "publish": publish,
    "publishBody": lambda pubnub, s: publish(pubnub, s, use_post=True),
    "publishPacked": lambda pubnub, s: pubnub.publish(s["channel"], s["message"], use_post=True).use_compression(),
    "fire": lambda pubnub, s: pubnub.fire().channel(s["channel"]).message(s["message"]),
    "signal": lambda pubnub, s: pubnub.signal().channel(s["channel"]).message(s["message"]),
    "hereNow": lambda pubnub, s: pubnub.here_now().channels(s["channels"]).channel_groups(s.get("groups", [])),
    "hereNowEverywhere": lambda pubnub, _: pubnub.here_now(),
    "whereNow": lambda pubnub, s: pubnub.where_now().uuid(s["uuid"]),
    "getState": lambda pubnub, s: pubnub.get_state().channels(s["channels"]),
    "setState": lambda pubnub, s: pubnub.set_state().channels(s["channels"]).state(s["state"]),
    "history": history,
    "fetchMessages": lambda pubnub, s: pubnub.fetch_messages(channels=s["channels"]),
    "fetchMessagesWithActions": lambda pubnub, s: pubnub.fetch_messages(channels=s["channel"], include_message_actions=True),
    "countMessages": lambda pubnub, s: pubnub.message_counts().channel(s["channels"]).channel_timetokens([17000000000000000]),
    "deleteMessages": lambda pubnub, s: pubnub.delete_messages().channel(s["channel"]),
    "addToGroup": lambda pubnub, s: pubnub.add_channel_to_channel_group().channels(s["channels"]).channel_group(s["group"]),
    "removeFromGroup": lambda pubnub, s: pubnub.remove_channel_from_channel_group().channels(s["channels"]).channel_group(s["group"]),
    "listGroup": list_group,
    "deleteGroup": lambda pubnub, s: pubnub.remove_channel_group().channel_group(s["group"]),
    "getUuid": lambda pubnub, s: pubnub.get_uuid_metadata().uuid(s["uuid"]),
    "setUuid": lambda pubnub, s: pubnub.set_uuid_metadata().uuid(s["uuid"]).set_name("Alice"),
    "removeUuid": lambda pubnub, s: pubnub.remove_uuid_metadata().uuid(s["uuid"]),
    "listUuids": lambda pubnub, _: pubnub.get_all_uuid_metadata(),
    "getChannel": lambda pubnub, s: pubnub.get_channel_metadata().channel(s["channel"]),
    "setChannel": lambda pubnub, s: pubnub.set_channel_metadata().channel(s["channel"]).set_name("Room"),
    "removeChannel": lambda pubnub, s: pubnub.remove_channel_metadata().channel(s["channel"]),
    "listChannels": lambda pubnub, _: pubnub.get_all_channel_metadata(),
    "getMemberships": lambda pubnub, s: pubnub.get_memberships().uuid(s["uuid"]),
    "setMemberships": lambda pubnub, s: pubnub.set_memberships().uuid(s["uuid"]).channel_memberships(memberships(s)),
    "removeMemberships": lambda pubnub, s: pubnub.manage_memberships().uuid(s["uuid"]).remove(memberships(s)),
    "getMembers": lambda pubnub, s: pubnub.get_channel_members().channel(s["channel"]),
    "setMembers": lambda pubnub, s: pubnub.set_channel_members().channel(s["channel"]).uuids(members(s)),
    "removeMembers": lambda pubnub, s: pubnub.remove_channel_members().channel(s["channel"]).uuids(members(s)),
    "addAction": add_action,
    "removeAction": remove_action,
    "getActions": lambda pubnub, s: pubnub.get_message_actions().channel(s["channel"]),
    "addPush": lambda pubnub, s: pubnub.add_channels_to_push(channels=s["channels"], **DEVICE),
    "removePush": lambda pubnub, s: pubnub.remove_channels_from_push(channels=s["channels"], **DEVICE),
    "listPush": lambda pubnub, _: pubnub.list_push_channels(**DEVICE),
    "removeDevice": lambda pubnub, _: pubnub.remove_device_from_push(**DEVICE),
    "listFiles": lambda pubnub, s: pubnub.list_files().channel(s["channel"]),
    "sendFile": send_file,
    "downloadFile": lambda pubnub, s: of_file(pubnub.download_file(), s),
    "deleteFile": lambda pubnub, s: of_file(pubnub.delete_file(), s),
}


class Driver:
    """Carries out what the lines ask, several at a time; what it says goes out one whole line at a time."""

    def __init__(self):
        self.clients = {}
        self.voice = threading.Lock()

    def say(self, line):
        with self.voice:
            print(json.dumps(line), flush=True)

    def carry_out(self, line):
        answer = {"id": line["id"]}
        try:
            answer["value"] = self.value(line["client"], line["verb"], line["settings"])
        except PubNubException as error:
            status = error.get_status_code()
            if status:
                answer["refused"] = {"status": status, "body": parsed(error._errormsg)}
            else:
                answer["fault"] = str(error)
        except Exception as error:  # Whatever it is, the test that asked has to hear of it.
            answer["fault"] = repr(error)
        self.say(answer)

    def value(self, name, verb, settings):
        if verb == "open":
            self.clients[name] = open_client(settings)
            return None
        if verb == "close":
            self.clients.pop(name).stop()
            return None
        pubnub = self.clients[name]
        if verb == "listen":
            listen(pubnub, settings, lambda event, value: self.say({"client": name, "event": event, "value": value}))
            return None
        result = VERBS[verb](pubnub, settings)
        if hasattr(result, "sync"):
            result.sync()
            return None
        return result


def parsed(text):
    try:
        return json.loads(text)
    except (TypeError, ValueError):
        return text


def main():
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    driver = Driver()
    with ThreadPoolExecutor(max_workers=16) as workers:
        for line in sys.stdin:
            workers.submit(driver.carry_out, json.loads(line))
    # Threads of the SDK that still hold a poll would keep the process.
    os._exit(0)


main()
