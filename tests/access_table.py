"""Who may open which address: the whole of it, said once and independently of the code that decides it.

A row names its audience and, where the address holds an object, the object's name in the world of `test_access_matrix`.
"""

from __future__ import annotations

from dataclasses import dataclass

TEAM = "admin head manager finance support engineer quality"
SEE = TEAM
SEE_TRACKING = "admin head manager finance support engineer"
MANAGE_TRACKING = "admin head manager engineer"
SEE_MONEY = "admin head manager finance support"
PREPARE = "admin head manager finance"
APPROVE = "admin head finance"
MANAGE = "admin head manager"
ANSWER = "admin head manager finance support engineer"
SEE_TEAM = "admin head manager finance support quality"
PEOPLE = "admin head"
SET_INBOX = "admin head"
ANSWER = "admin head manager finance support engineer"  # tickets; whoever is of the team sees them
ADMIN = "admin"
ANSWER = "admin head manager finance support engineer"
WRITE = "admin head manager support engineer"

ANY = "owner marketing finance leader"
OWNER = "owner"
LINKS = "owner marketing leader"
MONEY = "owner finance leader"


@dataclass(frozen=True)
class Row:
    audience: str  # manage: roles; portal: functions; api: roles of keys; person (signed in, about themselves); public
    who: str = ""
    thing: str = ""  # what the address names
    writes: str = ""  # api: who may POST, PATCH or DELETE; portal: who may POST, where those are fewer
    shared: bool = False  # about the team, whose members see each other whatever program they are in
    scoped: bool = False  # the thing belongs to a program (manage, api) or to an affiliate (portal), and others do not see it
    everywhere: bool = False  # only with the role in all programs (api: for writing)
    nothing: bool = False  # what it asks for (a token, somebody's own passkey) is not there for anybody in this test


def manage(who: str, thing: str = "", *, shared: bool = False, everywhere: bool = False, nothing: bool = False) -> Row:
    return Row("manage", who, thing, shared=shared, scoped=bool(thing) and not shared, everywhere=everywhere, nothing=nothing)


def portal(who: str, thing: str = "", *, writes: str = "", shared: bool = False, nothing: bool = False) -> Row:
    return Row("portal", who, thing, writes, scoped=bool(thing) and not shared, nothing=nothing)


def api(who: str, writes: str = "", thing: str = "", *, everywhere: bool = False) -> Row:
    return Row("api", who, thing, writes, scoped=bool(thing), everywhere=everywhere)


def person(thing: str = "", *, nothing: bool = False) -> Row:
    return Row("person", thing=thing, nothing=nothing)


def public(thing: str = "", *, nothing: bool = False) -> Row:
    return Row("public", thing=thing, nothing=nothing)


TABLE: dict[str, Row] = {
    # The team's pages
    "manage:home": manage(TEAM),
    "manage:search": manage(TEAM),
    "manage:affiliate_list": manage(SEE),
    "manage:affiliate_create": manage(MANAGE),
    "manage:affiliate_detail": manage(SEE, "affiliate"),
    "manage:affiliate_edit": manage(MANAGE, "affiliate"),
    "manage:affiliate_member_invite": manage(MANAGE, "affiliate"),
    "manage:affiliate_invitation_revoke": manage(MANAGE, "invitation"),
    "manage:affiliate_member_functions": manage(MANAGE, "affiliate_person"),
    "manage:affiliate_member_remove": manage(MANAGE, "affiliate_person"),
    "manage:enrollment_create": manage(MANAGE, "affiliate"),
    "manage:enrollment_approve": manage(MANAGE),
    "manage:enrollment_reject": manage(MANAGE),
    "manage:enrollment_change": manage(MANAGE, "enrollment"),
    "manage:enrollment_list": manage(SEE),
    "manage:program_list": manage(SEE),
    "manage:program_create": manage("admin head", everywhere=True),
    "manage:program_detail": manage(SEE, "program"),
    "manage:program_edit": manage(MANAGE, "program"),
    "manage:offer_list": manage(SEE),
    "manage:offer_create": manage(MANAGE, "program"),
    "manage:offer_edit": manage(MANAGE, "offer"),
    "manage:terms_publish": manage(MANAGE, "program"),
    "manage:terms_detail": manage(SEE, "terms"),
    "manage:rule_list": manage(SEE_MONEY),
    "manage:rule_create": manage(MANAGE, "program"),
    "manage:rule_detail": manage(SEE_MONEY, "rule"),
    "manage:rule_revise": manage(MANAGE, "rule"),
    "manage:rule_archive": manage(MANAGE, "rule"),
    "manage:link_list": manage(SEE_TRACKING),
    "manage:link_create": manage(MANAGE_TRACKING),
    "manage:link_pause": manage(MANAGE_TRACKING),
    "manage:link_resume": manage(MANAGE_TRACKING),
    "manage:link_detail": manage(SEE_TRACKING, "link"),
    "manage:link_qr": manage(SEE_TRACKING, "qr"),
    "manage:coupon_list": manage(SEE_TRACKING),
    "manage:coupon_create": manage(MANAGE_TRACKING),
    "manage:coupon_pause": manage(MANAGE_TRACKING),
    "manage:coupon_resume": manage(MANAGE_TRACKING),
    "manage:click_list": manage(SEE_TRACKING),
    "manage:conversion_list": manage(SEE_TRACKING),
    "manage:conversion_detail": manage(SEE_TRACKING, "conversion"),
    "manage:refund_create": manage(MANAGE_TRACKING, "conversion"),
    "manage:commission_list": manage(SEE_MONEY),
    "manage:commission_detail": manage(SEE_MONEY, "commission"),
    "manage:commission_approve": manage(MANAGE),
    "manage:commission_reject": manage(MANAGE),
    "manage:commission_hold": manage(MANAGE),
    "manage:commission_release": manage(MANAGE),
    "manage:payout_list": manage(SEE_MONEY),
    "manage:batch_create": manage(PREPARE),
    "manage:batch_detail": manage(SEE_MONEY, "batch"),
    "manage:batch_approve": manage(APPROVE, "batch"),
    "manage:batch_recompute": manage(PREPARE, "batch"),
    "manage:batch_start": manage(APPROVE, "approved_batch"),
    "manage:batch_cancel": manage(PREPARE, "batch"),
    "manage:batch_leave_out": manage(PREPARE, "batch"),
    "manage:batch_paid": manage(APPROVE, "approved_batch"),
    "manage:batch_file": manage(APPROVE, "file"),
    "manage:payout_detail": manage(SEE_MONEY, "payout"),
    "manage:payout_leave_out": manage(PREPARE, "payout"),
    "manage:ledger_list": manage(SEE_MONEY),
    "manage:account_list": manage(SEE_MONEY),
    "manage:ledger_verify": manage(APPROVE),
    "manage:roster": manage(SEE_TEAM),
    "manage:roster_gaps": manage(SEE_TEAM),
    "manage:coverage_drop": manage(PEOPLE, "coverage", shared=True),
    "manage:shift_create": manage(PEOPLE),
    "manage:shift_detail": manage(SEE_TEAM, "shift", shared=True),
    "manage:shift_end": manage(PEOPLE, "shift", shared=True),
    "manage:turn_cancel": manage(PEOPLE, "shift", shared=True),
    "manage:my_shifts": manage(TEAM),
    "manage:swap_propose": manage(TEAM, "turn", shared=True),
    "manage:swap_answer": manage(TEAM, "shift_change", shared=True),
    "manage:absence_list": manage(TEAM),
    "manage:absence_decide": manage(PEOPLE, "absence", shared=True),
    "manage:absence_end": manage(TEAM, "absence", shared=True),
    "manage:absence_detail": manage(TEAM, "absence", shared=True),
    "manage:accounts_spread": manage(PEOPLE, "absence", shared=True),
    "manage:cover_end": manage(PEOPLE, "cover", shared=True),
    "manage:capacity_list": manage(SEE_TEAM),
    "manage:capacity_edit": manage(PEOPLE, "member", shared=True),
    "manage:proposal_list": manage(PEOPLE),
    "manage:proposal_decide": manage(PEOPLE, "manager_proposal"),
    "manage:manager_rule_toggle": manage(PEOPLE, "manager_rule"),
    "manage:handover": manage(TEAM),
    "manage:handover_read": manage(TEAM, "handover_note", shared=True),
    "manage:handover_sheet": manage(TEAM, "absence", shared=True),
    "manage:team_list": manage(SEE_TEAM, shared=True),
    "manage:member_appoint": manage(PEOPLE),
    "manage:member_detail": manage(SEE_TEAM, "member", shared=True),
    "manage:role_grant": manage(PEOPLE, "member", shared=True),
    "manage:role_revoke": manage(PEOPLE, "role", shared=True),
    "manage:member_deactivate": manage(PEOPLE, "member", shared=True),
    "manage:member_reactivate": manage(PEOPLE, "member", shared=True),
    "manage:settings_home": manage(ADMIN),
    "manage:key_list": manage(ADMIN),
    "manage:key_create": manage(ADMIN),
    "manage:key_revoke": manage(ADMIN),
    "manage:mail_list": manage(MANAGE),
    "manage:mail_detail": manage(MANAGE, "mail"),
    "manage:style": manage(ADMIN),
    "manage:channel_list": manage(TEAM),
    "manage:reconciliation": manage(TEAM),
    "manage:channel_create": manage(PEOPLE, "channel_kind", shared=True),
    "manage:channel_detail": manage(TEAM, "channel"),
    "manage:channel_edit": manage(PEOPLE, "channel"),
    "manage:channel_try": manage(PEOPLE, "channel"),
    "manage:channel_secret": manage(PEOPLE, "channel"),
    "manage:quarantine_list": manage(TEAM),
    "manage:quarantine_dismiss": manage(ANSWER),
    "manage:quarantine_detail": manage(TEAM, "item"),
    "manage:quarantine_retry": manage(ANSWER, "item"),
    "manage:quarantine_raw": manage(TEAM, "item"),
    "manage:outgoing_list": manage(TEAM),
    "manage:outgoing_detail": manage(TEAM, "outgoing"),
    "manage:outgoing_decide": manage(ANSWER, "outgoing"),
    "manage:contact_list": manage(TEAM),
    "manage:contact_detail": manage(TEAM, "contact"),
    "manage:contact_unmatch": manage(ANSWER, "contact"),
    "manage:calendar_list": manage(SET_INBOX),
    "manage:calendar_create": manage(SET_INBOX),
    "manage:calendar_edit": manage(SET_INBOX, "calendar", shared=True),
    "manage:support_board": manage(SEE),
    "manage:support_numbers": manage(SEE),
    "manage:promise_list": manage(SEE),
    "manage:promise_suggest": manage(ANSWER),
    "manage:promise_settle": manage(ANSWER, "promise"),
    "manage:improvement_list": manage(SEE),
    "manage:improvement_detail": manage(SEE, "improvement"),
    "manage:improvement_decide": manage(MANAGE, "improvement"),
    "manage:improvement_raise": manage(ANSWER, "ticket"),
    "manage:policy_list": manage(SET_INBOX),
    "manage:policy_create": manage(SET_INBOX),
    "manage:policy_edit": manage(SET_INBOX, "policy"),
    "manage:policy_move": manage(SET_INBOX, "policy"),
    "manage:macro_list": manage(ANSWER),
    "manage:macro_create": manage(ANSWER),
    "manage:macro_pick": manage(ANSWER, nothing=True),
    "manage:macro_detail": manage(ANSWER, "macro"),
    "manage:macro_edit": manage(ANSWER, "macro"),
    "manage:macro_fill": manage(ANSWER, "macro", nothing=True),
    "manage:room_list": manage(SEE),
    "manage:room_create": manage(SEE),
    # Whoever is in a room reads it, nobody else: tests/support/test_rooms.py
    "manage:room_detail": manage(SEE, "room", nothing=True),
    "manage:room_news": manage(SEE, "room", nothing=True),
    "manage:room_post": manage(SEE, "room", nothing=True),
    "manage:room_people": manage(SEE, "room", nothing=True),
    "manage:room_close": manage(SEE, "room", nothing=True),
    "manage:article_list": manage(SEE),
    "manage:article_create": manage(WRITE),
    "manage:article_preview": manage(WRITE),
    # The inbox
    "manage:ticket_list": manage(TEAM),
    "manage:ticket_news": manage(TEAM),
    "manage:mention_list": manage(TEAM),
    "manage:ticket_detail": manage(TEAM, "ticket"),
    "manage:ticket_card": manage(TEAM, "ticket"),
    "manage:ticket_bulk": manage(ANSWER),
    "manage:message_create": manage(ANSWER, "ticket"),
    "manage:draft_keep": manage(ANSWER, "ticket"),
    "manage:ticket_assign": manage(ANSWER, "ticket"),
    "manage:ticket_status": manage(ANSWER, "ticket"),
    "manage:ticket_snooze": manage(ANSWER, "ticket"),
    "manage:ticket_change": manage(ANSWER, "ticket"),
    "manage:ticket_merge": manage(ANSWER, "ticket"),
    "manage:ticket_link": manage(ANSWER, "ticket"),
    "manage:task_create": manage(ANSWER, "ticket"),
    "manage:task_finish": manage(ANSWER, "task"),
    "manage:message_split": manage(ANSWER, "message"),
    "manage:article_detail": manage(SEE, "article"),
    "manage:article_edit": manage(WRITE, "article"),
    "manage:article_publish": manage(WRITE, "article"),
    "manage:article_retire": manage(WRITE, "article"),
    "manage:article_read": manage(SEE, "article"),
    "manage:article_version": manage(SEE, "article_version"),
    # The affiliates' pages
    "portal:learn": portal(ANY),
    "portal:answer_suggest": portal(ANY),
    "portal:answer_ask": portal(ANY, nothing=True),
    "portal:answer_settle": portal(ANY, "article", nothing=True),
    "portal:article": portal(ANY, "article"),
    "portal:article_vote": portal(ANY, "article"),
    "portal:home": portal(ANY),
    "portal:numbers": portal(ANY),
    "portal:profile": portal(ANY, writes="owner leader"),
    "portal:money": portal(MONEY),
    "portal:payout_detail": portal(MONEY, "paid_payout"),
    "portal:payout_method": portal("owner finance"),
    "portal:payout_method_edit": portal("owner finance", "method_type", shared=True),
    "portal:people": portal(ANY),
    "portal:people_invite": portal(OWNER),
    "portal:invitation_revoke": portal(OWNER, "invitation"),
    "portal:member_edit": portal(OWNER, "person"),
    "portal:member_remove": portal(OWNER, "person"),
    "portal:affiliate_switch": portal(ANY, nothing=True),
    "portal:link_list": portal(ANY),
    "portal:link_create": portal(LINKS),
    "portal:link_check": portal(LINKS),
    "portal:link_detail": portal(ANY, "link"),
    "portal:link_qr": portal(ANY, "qr"),
    "portal:link_status": portal(LINKS, "link"),
    "portal:coupon_list": portal(ANY),
    "portal:offer_list": portal(ANY),
    "portal:conversion_list": portal(ANY),
    "portal:invitation_accept": public("token", nothing=True),
    # What strangers sent, as it may be looked at; the affiliate's chat
    "manage:message_html": manage(TEAM, "mail_message"),
    "manage:message_raw": manage(TEAM, "mail_message"),
    "manage:attachment_download": manage(TEAM, "attachment"),
    "portal:help_home": portal(ANY),
    "portal:help_chat": portal(ANY, "program"),
    "portal:help_news": portal(ANY, "program"),
    "portal:help_write": portal(ANY, "program"),
    "portal:help_read": portal(ANY, "program"),
    "portal:help_attachment": portal(ANY, "attachment"),
    "portal:rating_give": portal(ANY, "rating"),
    "rating_page": public("token", nothing=True),
    # Machines
    "api:schema": public(),
    "api:docs": public(),
    "api:nothing_here": public(nothing=True),
    "api:program_list": api(SEE, MANAGE, everywhere=True),
    "api:program_detail": api(SEE, MANAGE, "program"),
    "api:offer_list": api(SEE, MANAGE),
    "api:offer_detail": api(SEE, MANAGE, "offer"),
    "api:affiliate_list": api(SEE, MANAGE),
    "api:affiliate_detail": api(SEE, MANAGE, "affiliate"),
    "api:enrollment_list": api(SEE, MANAGE),
    "api:enrollment_detail": api(SEE, MANAGE, "enrollment"),
    "api:link_list": api(SEE_TRACKING, MANAGE_TRACKING),
    "api:link_detail": api(SEE_TRACKING, MANAGE_TRACKING, "link"),
    "api:coupon_list": api(SEE_TRACKING, MANAGE_TRACKING),
    "api:coupon_detail": api(SEE_TRACKING, MANAGE_TRACKING, "coupon"),
    "api:conversion_list": api(SEE_TRACKING, MANAGE_TRACKING),
    "api:conversion_batch": api("", MANAGE_TRACKING),
    "api:conversion_detail": api(SEE_TRACKING, "", "conversion"),
    "api:refund_list": api(SEE_TRACKING, MANAGE_TRACKING, "conversion"),
    "api:commission_list": api(SEE_MONEY),
    "api:commission_detail": api(SEE_MONEY, "", "commission"),
    "api:commission_approve": api("", MANAGE),
    "api:commission_reject": api("", MANAGE),
    "api:commission_rule_simulate": public(nothing=True),
    "api:commission_rule_list": api(SEE_MONEY, MANAGE),
    "api:commission_rule_detail": api(SEE_MONEY, MANAGE, "rule"),
    "api:payout_method_list": api(SEE_MONEY, PREPARE, "affiliate"),
    "api:balance_detail": api(SEE_MONEY, "", "affiliate"),
    "api:payout_batch_list": api(SEE_MONEY, PREPARE),
    "api:payout_batch_detail": api(SEE_MONEY, "", "batch"),
    "api:payout_batch_approve": api("", APPROVE, "batch"),
    "api:payout_batch_recompute": api("", PREPARE, "batch"),
    "api:payout_batch_start": api("", APPROVE, "approved_batch"),
    "api:payout_batch_cancel": api("", PREPARE, "batch"),
    "api:payout_batch_paid": api("", APPROVE, "approved_batch"),
    "api:payout_batch_file": api(APPROVE, "", "file"),
    "api:channel_list": api(TEAM, PEOPLE),
    "api:channel_detail": api(TEAM, PEOPLE, "channel"),
    "api:channel_reconciliation": api(TEAM, "", "channel"),
    "api:report_performance": api(SEE_MONEY),
    "api:ticket_list": api(TEAM, ANSWER),
    "api:ticket_detail": api(TEAM, "", "ticket"),
    "api:ticket_messages": api("", ANSWER, "ticket"),
    "api:ticket_status": api("", ANSWER, "ticket"),
    # Everybody
    "home": public(),
    "program_public": public("program"),
    "help_public": public("program"),
    "article_public": public("public_article"),
    "apply": public("program"),
    "apply_done": public("program"),
    "email_hook": public("program", nothing=True),  # its own secret opens it: tests/channels/test_email_hook.py
    "health": public(),
    "manage:telegram_account_list": manage(TEAM),
    "manage:telegram_account": manage(SET_INBOX, "telegram_account"),
    "manage:telegram_group_list": manage(TEAM),
    "manage:telegram_group": manage(SEE_TRACKING, "telegram_group"),
    "portal:telegram_connect": portal(ANY, "bot"),
    "portal:telegram_disconnect": portal(ANY, "telegram_contact"),
    "telegram_hook": public("program", nothing=True),  # its own secret opens it: tests/channels/test_telegram_hook.py
    "metrics": public(),  # asked from this machine, as the test client does; from elsewhere: tests/core/test_health.py
    "profile": person(),
    "view_save": person(),
    "view_rename": person("saved_view", nothing=True),
    "view_delete": person("saved_view", nothing=True),
    "session_end": person("session", nothing=True),
    "after_login": person(),
    "account_login": public(),
    "account_logout": public(),
    "account_inactive": public(),
    "account_signup": public(),
    "account_email_verification_sent": public(),
    "account_confirm_login_code": public(),
    "account_confirm_email": public("confirmation", nothing=True),
    "account_reset_password": public(),
    "account_reset_password_done": public(),
    "account_reset_password_from_key": public("reset", nothing=True),
    "account_reset_password_from_key_done": public(),
    "mfa_authenticate": public(),
    "mfa_login_webauthn": public(),
    "account_reauthenticate": person(),
    "account_email": person(),
    "account_change_password": person(),
    "account_set_password": person(),
    "mfa_index": person(),
    "mfa_reauthenticate": person(),
    "mfa_reauthenticate_webauthn": person(),
    "mfa_activate_totp": person(),
    "mfa_deactivate_totp": person(nothing=True),
    "mfa_view_recovery_codes": person(nothing=True),
    "mfa_generate_recovery_codes": person(),
    "mfa_download_recovery_codes": person(nothing=True),
    "mfa_list_webauthn": person(),
    "mfa_add_webauthn": person(),
    "mfa_remove_webauthn": person("authenticator", nothing=True),
    "mfa_edit_webauthn": person("authenticator", nothing=True),
    "usersessions_list": person(),
}
