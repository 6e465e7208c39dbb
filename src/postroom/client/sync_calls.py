"""The calls of the API, a method for each.

Made by ``make client`` from the OpenAPI document: do not change it by hand.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Literal

from msgspec import UNSET, UnsetType

from postroom.client import structs
from postroom.client.call import Call, File, fill
from postroom.client.sync_core import Core, Download


class Calls(Core):
    """Every call, by its operation id."""

    def get_versions(self) -> structs.Versions:
        """Tell the versions."""
        return self._json(Call(method="GET", path="/api"), structs.Versions)

    def list_aliases(self) -> structs.AddressList:
        """List the addresses."""
        return self._json(Call(method="GET", path="/api/v1/account/aliases"), structs.AddressList)

    def list_app_passwords(self) -> structs.AppPasswordList:
        """List app passwords."""
        return self._json(Call(method="GET", path="/api/v1/account/apppasswords"), structs.AppPasswordList)

    def create_app_password(
        self,
        *,
        name: str,
        scope: Literal["all", "counters", "read"] | UnsetType = UNSET,
        security_token: str | None = None,
        idempotency_key: str | None = None,
    ) -> structs.MadeAppPassword:
        """Make an app password."""
        return self._json(
            Call(
                method="POST",
                path="/api/v1/account/apppasswords",
                body={"name": name, "scope": scope},
                security_token=security_token,
                idempotency_key=idempotency_key,
                is_keyed=True,
            ),
            structs.MadeAppPassword,
        )

    def delete_app_password(
        self, app_password_id: str, *, security_token: str | None = None, idempotency_key: str | None = None
    ) -> None:
        """Revoke an app password."""
        self._bytes(
            Call(
                method="DELETE",
                path=fill("/api/v1/account/apppasswords/{}", app_password_id),
                security_token=security_token,
                idempotency_key=idempotency_key,
                is_keyed=True,
            )
        )

    def get_filter_options(self) -> structs.FilterOptions:
        """Get the options."""
        return self._json(Call(method="GET", path="/api/v1/account/avas"), structs.FilterOptions)

    def change_filter_options(
        self,
        *,
        whitelist_include_address_book: bool | UnsetType = UNSET,
        blacklist_exclude_address_book: bool | UnsetType = UNSET,
        idempotency_key: str | None = None,
    ) -> structs.FilterOptions:
        """Change the options."""
        return self._json(
            Call(
                method="PATCH",
                path="/api/v1/account/avas",
                body={
                    "whitelistIncludeAddressBook": whitelist_include_address_book,
                    "blacklistExcludeAddressBook": blacklist_exclude_address_book,
                },
                idempotency_key=idempotency_key,
                is_keyed=True,
            ),
            structs.FilterOptions,
        )

    def list_blacklist(
        self, *, start: int | UnsetType = UNSET, limit: int | UnsetType = UNSET
    ) -> structs.EntryList:
        """List the black list."""
        return self._json(
            Call(method="GET", path="/api/v1/account/avas/blacklist", query={"start": start, "limit": limit}),
            structs.EntryList,
        )

    def iter_blacklist_pages(self, *, limit: int | UnsetType = UNSET) -> Iterator[structs.EntryList]:
        """List the black list, page by page until the end."""
        start = 0
        while True:
            page = self.list_blacklist(limit=limit, start=start)
            yield page
            start += len(page.items)
            if not page.items or start >= page.total_items:
                return

    def add_to_blacklist(self, *, email_address: str, idempotency_key: str | None = None) -> structs.Entry:
        """Add to the black list."""
        return self._json(
            Call(
                method="POST",
                path="/api/v1/account/avas/blacklist",
                body={"emailAddress": email_address},
                idempotency_key=idempotency_key,
                is_keyed=True,
            ),
            structs.Entry,
        )

    def remove_from_blacklist(self, black_id: str, *, idempotency_key: str | None = None) -> None:
        """Remove from the black list."""
        self._bytes(
            Call(
                method="DELETE",
                path=fill("/api/v1/account/avas/blacklist/{}", black_id),
                idempotency_key=idempotency_key,
                is_keyed=True,
            )
        )

    def change_blacklist_entry(
        self, black_id: str, *, email_address: str, idempotency_key: str | None = None
    ) -> structs.Entry:
        """Change an entry of the black list."""
        return self._json(
            Call(
                method="PUT",
                path=fill("/api/v1/account/avas/blacklist/{}", black_id),
                body={"emailAddress": email_address},
                idempotency_key=idempotency_key,
                is_keyed=True,
            ),
            structs.Entry,
        )

    def list_filters(self) -> structs.OnOffFilterList:
        """List the filters."""
        return self._json(
            Call(method="GET", path="/api/v1/account/avas/filters/onoff"), structs.OnOffFilterList
        )

    def get_filter_preset(self) -> structs.CurrentPreset:
        """Get the preset in force."""
        return self._json(
            Call(method="GET", path="/api/v1/account/avas/filters/onoff/preset"), structs.CurrentPreset
        )

    def set_filter_preset(
        self, *, preset: Literal["off", "strong", "weak"], idempotency_key: str | None = None
    ) -> None:
        """Use a preset."""
        self._bytes(
            Call(
                method="POST",
                path="/api/v1/account/avas/filters/onoff/preset",
                body={"preset": preset},
                idempotency_key=idempotency_key,
                is_keyed=True,
            )
        )

    def list_filter_presets(self) -> structs.PresetList:
        """List the presets."""
        return self._json(
            Call(method="GET", path="/api/v1/account/avas/filters/onoff/presets"), structs.PresetList
        )

    def switch_filter(self, filter_id: str, *, enabled: bool, idempotency_key: str | None = None) -> None:
        """Turn a filter on or off."""
        self._bytes(
            Call(
                method="PATCH",
                path=fill("/api/v1/account/avas/filters/onoff/{}", filter_id),
                body={"enabled": enabled},
                idempotency_key=idempotency_key,
                is_keyed=True,
            )
        )

    def list_whitelist(
        self, *, start: int | UnsetType = UNSET, limit: int | UnsetType = UNSET
    ) -> structs.EntryList:
        """List the white list."""
        return self._json(
            Call(method="GET", path="/api/v1/account/avas/whitelist", query={"start": start, "limit": limit}),
            structs.EntryList,
        )

    def iter_whitelist_pages(self, *, limit: int | UnsetType = UNSET) -> Iterator[structs.EntryList]:
        """List the white list, page by page until the end."""
        start = 0
        while True:
            page = self.list_whitelist(limit=limit, start=start)
            yield page
            start += len(page.items)
            if not page.items or start >= page.total_items:
                return

    def add_to_whitelist(self, *, email_address: str, idempotency_key: str | None = None) -> structs.Entry:
        """Add to the white list."""
        return self._json(
            Call(
                method="POST",
                path="/api/v1/account/avas/whitelist",
                body={"emailAddress": email_address},
                idempotency_key=idempotency_key,
                is_keyed=True,
            ),
            structs.Entry,
        )

    def remove_from_whitelist(self, white_id: str, *, idempotency_key: str | None = None) -> None:
        """Remove from the white list."""
        self._bytes(
            Call(
                method="DELETE",
                path=fill("/api/v1/account/avas/whitelist/{}", white_id),
                idempotency_key=idempotency_key,
                is_keyed=True,
            )
        )

    def change_whitelist_entry(
        self, white_id: str, *, email_address: str, idempotency_key: str | None = None
    ) -> structs.Entry:
        """Change an entry of the white list."""
        return self._json(
            Call(
                method="PUT",
                path=fill("/api/v1/account/avas/whitelist/{}", white_id),
                body={"emailAddress": email_address},
                idempotency_key=idempotency_key,
                is_keyed=True,
            ),
            structs.Entry,
        )

    def delete_avatar(self, *, idempotency_key: str | None = None) -> None:
        """Remove the picture."""
        self._bytes(
            Call(
                method="DELETE", path="/api/v1/account/avatar", idempotency_key=idempotency_key, is_keyed=True
            )
        )

    def get_avatar(self) -> Download:
        """Get the picture."""
        return self._open(Call(method="GET", path="/api/v1/account/avatar"))

    def set_avatar(self, *, files: Sequence[File], idempotency_key: str | None = None) -> None:
        """Set the picture."""
        self._bytes(
            Call(
                method="PUT",
                path="/api/v1/account/avatar",
                files=tuple(files),
                idempotency_key=idempotency_key,
                is_keyed=True,
            )
        )

    def list_badge_tokens(self) -> structs.BadgeTokenList:
        """List badge tokens."""
        return self._json(Call(method="GET", path="/api/v1/account/badgetokens"), structs.BadgeTokenList)

    def create_badge_token(
        self, *, name: str, security_token: str | None = None, idempotency_key: str | None = None
    ) -> structs.MadeBadgeToken:
        """Make a badge token."""
        return self._json(
            Call(
                method="POST",
                path="/api/v1/account/badgetokens",
                body={"name": name},
                security_token=security_token,
                idempotency_key=idempotency_key,
                is_keyed=True,
            ),
            structs.MadeBadgeToken,
        )

    def delete_badge_token(
        self, badge_token_id: str, *, security_token: str | None = None, idempotency_key: str | None = None
    ) -> None:
        """Revoke a badge token."""
        self._bytes(
            Call(
                method="DELETE",
                path=fill("/api/v1/account/badgetokens/{}", badge_token_id),
                security_token=security_token,
                idempotency_key=idempotency_key,
                is_keyed=True,
            )
        )

    def get_contact_info(self) -> structs.ContactInfo:
        """Get the contact information."""
        return self._json(Call(method="GET", path="/api/v1/account/contactinfo"), structs.ContactInfo)

    def set_contact_info(
        self,
        *,
        title: str | UnsetType = UNSET,
        first_name: str | UnsetType = UNSET,
        middle_name: str | UnsetType = UNSET,
        last_name: str | UnsetType = UNSET,
        suffix: str | UnsetType = UNSET,
        personal_email_address: str | UnsetType = UNSET,
        idempotency_key: str | None = None,
    ) -> None:
        """Set the contact information."""
        self._bytes(
            Call(
                method="PUT",
                path="/api/v1/account/contactinfo",
                body={
                    "title": title,
                    "firstName": first_name,
                    "middleName": middle_name,
                    "lastName": last_name,
                    "suffix": suffix,
                    "personalEmailAddress": personal_email_address,
                },
                idempotency_key=idempotency_key,
                is_keyed=True,
            )
        )

    def get_index_info(
        self, *, ids: list[Literal["conversation", "search", "sort"]], scope: str
    ) -> list[structs.IndexInfo]:
        """Tell how far the indexes are."""
        return self._json(
            Call(method="GET", path="/api/v1/account/indexinfo", query={"ids": ids, "scope": scope}),
            list[structs.IndexInfo],
        )

    def get_account_info(self) -> structs.Info:
        """Describe the account."""
        return self._json(Call(method="GET", path="/api/v1/account/info"), structs.Info)

    def reset_password(
        self,
        *,
        old_password: str,
        new_password: str,
        logout_other_sessions: Any | UnsetType = UNSET,
        idempotency_key: str | None = None,
    ) -> None:
        """Change the password."""
        self._bytes(
            Call(
                method="POST",
                path="/api/v1/account/password/reset",
                body={
                    "oldPassword": old_password,
                    "newPassword": new_password,
                    "logoutOtherSessions": logout_other_sessions,
                },
                idempotency_key=idempotency_key,
                is_keyed=True,
            )
        )

    def set_password(self, *, new_password: str, idempotency_key: str | None = None) -> None:
        """Set the password that must be changed."""
        self._bytes(
            Call(
                method="POST",
                path="/api/v1/account/password/set",
                body={"newPassword": new_password},
                idempotency_key=idempotency_key,
                is_keyed=True,
            )
        )

    def disable_two_factor(
        self,
        *,
        method_id: str,
        totp_token: str,
        security_token: str | None = None,
        idempotency_key: str | None = None,
    ) -> None:
        """Switch 2-step verification off."""
        self._bytes(
            Call(
                method="DELETE",
                path="/api/v1/account/security/2fa",
                body={"methodId": method_id, "totpToken": totp_token},
                security_token=security_token,
                idempotency_key=idempotency_key,
                is_keyed=True,
            )
        )

    def enable_two_factor(
        self,
        *,
        method_id: str,
        totp_token: str,
        security_token: str | None = None,
        idempotency_key: str | None = None,
    ) -> structs.RecoveryCodes:
        """Switch 2-step verification on."""
        return self._json(
            Call(
                method="POST",
                path="/api/v1/account/security/2fa",
                body={"methodId": method_id, "totpToken": totp_token},
                security_token=security_token,
                idempotency_key=idempotency_key,
                is_keyed=True,
            ),
            structs.RecoveryCodes,
        )

    def make_recovery_codes(
        self, *, security_token: str | None = None, idempotency_key: str | None = None
    ) -> structs.RecoveryCodes:
        """Make new recovery codes."""
        return self._json(
            Call(
                method="POST",
                path="/api/v1/account/security/2fa/recoverycodes",
                security_token=security_token,
                idempotency_key=idempotency_key,
                is_keyed=True,
            ),
            structs.RecoveryCodes,
        )

    def check_password(self, *, password: str) -> structs.SecurityToken:
        """Get a security token."""
        return self._json(
            Call(method="POST", path="/api/v1/account/security/check", body={"password": password}),
            structs.SecurityToken,
        )

    def list_security_events(
        self, *, start: int | UnsetType = UNSET, limit: int | UnsetType = UNSET
    ) -> structs.SecurityEventList:
        """List what happened to the account's security."""
        return self._json(
            Call(
                method="GET", path="/api/v1/account/security/events", query={"start": start, "limit": limit}
            ),
            structs.SecurityEventList,
        )

    def iter_security_events_pages(
        self, *, limit: int | UnsetType = UNSET
    ) -> Iterator[structs.SecurityEventList]:
        """List what happened to the account's security, page by page until the end."""
        start = 0
        while True:
            page = self.list_security_events(limit=limit, start=start)
            yield page
            start += len(page.items)
            if not page.items or start >= page.total_items:
                return

    def delete_security_methods(
        self, *, security_token: str | None = None, idempotency_key: str | None = None
    ) -> None:
        """Remove all security methods."""
        self._bytes(
            Call(
                method="DELETE",
                path="/api/v1/account/security/methods",
                security_token=security_token,
                idempotency_key=idempotency_key,
                is_keyed=True,
            )
        )

    def list_security_methods(
        self, *, scope: Literal["2fa", "general", "passwordRecovery", "usernameRecovery"] | UnsetType = UNSET
    ) -> structs.MethodList:
        """List the security methods."""
        return self._json(
            Call(method="GET", path="/api/v1/account/security/methods", query={"scope": scope}),
            structs.MethodList,
        )

    def create_security_method(
        self,
        *,
        method: Literal["authApp", "email", "sms"],
        target: str | None | UnsetType = UNSET,
        security_token: str | None = None,
        idempotency_key: str | None = None,
    ) -> structs.CreatedMethod:
        """Begin to set up a security method."""
        return self._json(
            Call(
                method="POST",
                path="/api/v1/account/security/methods",
                body={"method": method, "target": target},
                security_token=security_token,
                idempotency_key=idempotency_key,
                is_keyed=True,
            ),
            structs.CreatedMethod,
        )

    def delete_security_method(
        self, method_id: str, *, security_token: str | None = None, idempotency_key: str | None = None
    ) -> None:
        """Remove a security method."""
        self._bytes(
            Call(
                method="DELETE",
                path=fill("/api/v1/account/security/methods/{}", method_id),
                security_token=security_token,
                idempotency_key=idempotency_key,
                is_keyed=True,
            )
        )

    def activate_security_method(
        self,
        method_id: str,
        *,
        totp_token: str,
        security_token: str | None = None,
        idempotency_key: str | None = None,
    ) -> None:
        """Set a security method up."""
        self._bytes(
            Call(
                method="POST",
                path=fill("/api/v1/account/security/methods/{}/activate", method_id),
                body={"totpToken": totp_token},
                security_token=security_token,
                idempotency_key=idempotency_key,
                is_keyed=True,
            )
        )

    def get_security_method_qr(self, method_id: str, *, security_token: str | None = None) -> Download:
        """Show an app's secret as a QR code."""
        return self._open(
            Call(
                method="GET",
                path=fill("/api/v1/account/security/methods/{}/qr", method_id),
                security_token=security_token,
            )
        )

    def send_method_token(self, method_id: str, *, idempotency_key: str | None = None) -> None:
        """Send a code."""
        self._bytes(
            Call(
                method="POST",
                path=fill("/api/v1/account/security/methods/{}/sendtoken", method_id),
                idempotency_key=idempotency_key,
                is_keyed=True,
            )
        )

    def get_settings(self) -> structs.AccountSettings:
        """Get the settings."""
        return self._json(Call(method="GET", path="/api/v1/account/settings"), structs.AccountSettings)

    def change_settings(
        self,
        *,
        archiving_policy: Literal["folderPerMonth", "folderPerYear", "none", "subfolderPerMonth"]
        | UnsetType = UNSET,
        conversation_view: bool | UnsetType = UNSET,
        theme: Literal["breeze", "neutral", "ocean"] | UnsetType = UNSET,
        delete_to_trash: bool | UnsetType = UNSET,
        confirm_mail_delete: bool | UnsetType = UNSET,
        auto_add_recipients: bool | UnsetType = UNSET,
        purge_trash_on_logout: bool | UnsetType = UNSET,
        purge_spam_on_logout: bool | UnsetType = UNSET,
        body_html_filtering_level: int | UnsetType = UNSET,
        language: Literal[
            "ar",
            "bg",
            "ca",
            "cs",
            "da",
            "de",
            "el",
            "en",
            "es",
            "et",
            "fa",
            "fi",
            "fr",
            "he",
            "hi",
            "hr",
            "hu",
            "id",
            "is",
            "it",
            "ja",
            "ko",
            "lt",
            "lv",
            "mk",
            "nl",
            "no",
            "pl",
            "pt",
            "ro",
            "ru",
            "sk",
            "sl",
            "sr",
            "sv",
            "th",
            "tk",
            "tr",
            "uk",
            "vi",
            "zh-cn",
            "zh-tw",
        ]
        | UnsetType = UNSET,
        timezone: str | UnsetType = UNSET,
        date_format: Literal[
            "M-D-YY",
            "M-D-YYYY",
            "M-DD-YY",
            "M-DD-YYYY",
            "MM-D-YY",
            "MM-D-YYYY",
            "MM-DD-YY",
            "MM-DD-YYYY",
            "M/D/YY",
            "M/D/YYYY",
            "M/DD/YY",
            "M/DD/YYYY",
            "MM/D/YY",
            "MM/D/YYYY",
            "MM/DD/YY",
            "MM/DD/YYYY",
            "M.D.YY",
            "M.D.YYYY",
            "M.DD.YY",
            "M.DD.YYYY",
            "MM.D.YY",
            "MM.D.YYYY",
            "MM.DD.YY",
            "MM.DD.YYYY",
            "D-M-YY",
            "D-M-YYYY",
            "D-MM-YY",
            "D-MM-YYYY",
            "DD-M-YY",
            "DD-M-YYYY",
            "DD-MM-YY",
            "DD-MM-YYYY",
            "D/M/YY",
            "D/M/YYYY",
            "D/MM/YY",
            "D/MM/YYYY",
            "DD/M/YY",
            "DD/M/YYYY",
            "DD/MM/YY",
            "DD/MM/YYYY",
            "D.M.YY",
            "D.M.YYYY",
            "D.MM.YY",
            "D.MM.YYYY",
            "DD.M.YY",
            "DD.M.YYYY",
            "DD.MM.YY",
            "DD.MM.YYYY",
            "YY-M-D",
            "YY-M-DD",
            "YY-MM-D",
            "YY-MM-DD",
            "YYYY-M-D",
            "YYYY-M-DD",
            "YYYY-MM-D",
            "YYYY-MM-DD",
            "YY/M/D",
            "YY/M/DD",
            "YY/MM/D",
            "YY/MM/DD",
            "YYYY/M/D",
            "YYYY/M/DD",
            "YYYY/MM/D",
            "YYYY/MM/DD",
            "YY.M.D",
            "YY.M.DD",
            "YY.MM.D",
            "YY.MM.DD",
            "YYYY.M.D",
            "YYYY.M.DD",
            "YYYY.MM.D",
            "YYYY.MM.DD",
        ]
        | UnsetType = UNSET,
        time_format: Literal[
            'h"h" mm"min"',
            "h.mm",
            "h.mm A.M.",
            "h.mm AM",
            "h:mm",
            "h:mm A.M.",
            "h:mm AM",
            'hh"h" mm"min"',
            "hh.mm",
            "hh.mm A.M.",
            "hh.mm AM",
            "hh:mm",
            "hh:mm A.M.",
            "hh:mm AM",
        ]
        | UnsetType = UNSET,
        week_start_day: int | UnsetType = UNSET,
        working_days: int | UnsetType = UNSET,
        start_working_time: str | UnsetType = UNSET,
        end_working_time: str | UnsetType = UNSET,
        calendar_type: Literal["gregorian", "persian"] | UnsetType = UNSET,
        receipts: structs.ReceiptsChange | UnsetType = UNSET,
        save_to_sent: bool | UnsetType = UNSET,
        page_size: int | UnsetType = UNSET,
        external_images: Literal["always", "byLevel", "never"] | UnsetType = UNSET,
        week_start_days: int | UnsetType = UNSET,
        idempotency_key: str | None = None,
    ) -> None:
        """Change settings."""
        self._bytes(
            Call(
                method="PATCH",
                path="/api/v1/account/settings",
                body={
                    "archivingPolicy": archiving_policy,
                    "conversationView": conversation_view,
                    "theme": theme,
                    "deleteToTrash": delete_to_trash,
                    "confirmMailDelete": confirm_mail_delete,
                    "autoAddRecipients": auto_add_recipients,
                    "purgeTrashOnLogout": purge_trash_on_logout,
                    "purgeSpamOnLogout": purge_spam_on_logout,
                    "bodyHtmlFilteringLevel": body_html_filtering_level,
                    "language": language,
                    "timezone": timezone,
                    "dateFormat": date_format,
                    "timeFormat": time_format,
                    "weekStartDay": week_start_day,
                    "workingDays": working_days,
                    "startWorkingTime": start_working_time,
                    "endWorkingTime": end_working_time,
                    "calendarType": calendar_type,
                    "receipts": receipts,
                    "saveToSent": save_to_sent,
                    "pageSize": page_size,
                    "externalImages": external_images,
                    "weekStartDays": week_start_days,
                },
                idempotency_key=idempotency_key,
                is_keyed=True,
            )
        )

    def delete_client_settings(self, *, idempotency_key: str | None = None) -> None:
        """Drop a program's other text."""
        self._bytes(
            Call(
                method="DELETE",
                path="/api/v1/account/settings/client",
                idempotency_key=idempotency_key,
                is_keyed=True,
            )
        )

    def get_client_settings(self) -> structs.ClientSettings:
        """Get a program's other text."""
        return self._json(Call(method="GET", path="/api/v1/account/settings/client"), structs.ClientSettings)

    def set_client_settings(self, *, client_settings: str, idempotency_key: str | None = None) -> None:
        """Keep a program's other text."""
        self._bytes(
            Call(
                method="POST",
                path="/api/v1/account/settings/client",
                body={"clientSettings": client_settings},
                idempotency_key=idempotency_key,
                is_keyed=True,
            )
        )

    def delete_ui_settings(self, *, idempotency_key: str | None = None) -> None:
        """Drop a program's text."""
        self._bytes(
            Call(
                method="DELETE",
                path="/api/v1/account/settings/ui",
                idempotency_key=idempotency_key,
                is_keyed=True,
            )
        )

    def get_ui_settings(self) -> structs.UISettings:
        """Get a program's text."""
        return self._json(Call(method="GET", path="/api/v1/account/settings/ui"), structs.UISettings)

    def set_ui_settings(self, *, ui_settings: str, idempotency_key: str | None = None) -> None:
        """Keep a program's text."""
        self._bytes(
            Call(
                method="POST",
                path="/api/v1/account/settings/ui",
                body={"uiSettings": ui_settings},
                idempotency_key=idempotency_key,
                is_keyed=True,
            )
        )

    def list_signatures(self) -> structs.SignatureList:
        """List the signatures."""
        return self._json(Call(method="GET", path="/api/v1/account/signatures"), structs.SignatureList)

    def create_signature(
        self, *, name: str, type: Literal["html", "text"], body: str, idempotency_key: str | None = None
    ) -> structs.SignatureHead:
        """Make a signature."""
        return self._json(
            Call(
                method="POST",
                path="/api/v1/account/signatures",
                body={"name": name, "type": type, "body": body},
                idempotency_key=idempotency_key,
                is_keyed=True,
            ),
            structs.SignatureHead,
        )

    def delete_signature(self, signature_id: str, *, idempotency_key: str | None = None) -> None:
        """Delete a signature."""
        self._bytes(
            Call(
                method="DELETE",
                path=fill("/api/v1/account/signatures/{}", signature_id),
                idempotency_key=idempotency_key,
                is_keyed=True,
            )
        )

    def get_signature(self, signature_id: str) -> structs.Signature:
        """Get a signature."""
        return self._json(
            Call(method="GET", path=fill("/api/v1/account/signatures/{}", signature_id)), structs.Signature
        )

    def change_signature(
        self,
        signature_id: str,
        *,
        name: str | UnsetType = UNSET,
        type: Literal["html", "text"] | UnsetType = UNSET,
        body: str | UnsetType = UNSET,
        idempotency_key: str | None = None,
    ) -> None:
        """Change a signature."""
        self._bytes(
            Call(
                method="PUT",
                path=fill("/api/v1/account/signatures/{}", signature_id),
                body={"name": name, "type": type, "body": body},
                idempotency_key=idempotency_key,
                is_keyed=True,
            )
        )

    def list_temporary_aliases(self) -> structs.TemporaryAliasList:
        """List the temporary aliases."""
        return self._json(
            Call(method="GET", path="/api/v1/account/temporaryaliases"), structs.TemporaryAliasList
        )

    def create_temporary_alias(self, *, idempotency_key: str | None = None) -> structs.TemporaryAlias:
        """Make a temporary alias."""
        return self._json(
            Call(
                method="POST",
                path="/api/v1/account/temporaryaliases",
                idempotency_key=idempotency_key,
                is_keyed=True,
            ),
            structs.TemporaryAlias,
        )

    def delete_temporary_alias(self, temporary_alias_id: str, *, idempotency_key: str | None = None) -> None:
        """End a temporary alias."""
        self._bytes(
            Call(
                method="DELETE",
                path=fill("/api/v1/account/temporaryaliases/{}", temporary_alias_id),
                idempotency_key=idempotency_key,
                is_keyed=True,
            )
        )

    def get_vacation(self) -> structs.VacationShape:
        """Get the absence notice."""
        return self._json(Call(method="GET", path="/api/v1/account/vacation"), structs.VacationShape)

    def set_vacation(
        self,
        *,
        age: int,
        apply_always: bool,
        apply_to_external: bool,
        apply_to_internal: bool,
        body: str,
        enabled: bool,
        start_time: str | UnsetType = UNSET,
        end_time: str | UnsetType = UNSET,
        subject: str | UnsetType = UNSET,
        idempotency_key: str | None = None,
    ) -> None:
        """Set the absence notice."""
        self._bytes(
            Call(
                method="POST",
                path="/api/v1/account/vacation",
                body={
                    "age": age,
                    "applyAlways": apply_always,
                    "applyToExternal": apply_to_external,
                    "applyToInternal": apply_to_internal,
                    "body": body,
                    "enabled": enabled,
                    "startTime": start_time,
                    "endTime": end_time,
                    "subject": subject,
                },
                idempotency_key=idempotency_key,
                is_keyed=True,
            )
        )

    def replace_vacation(
        self,
        *,
        age: int,
        apply_always: bool,
        apply_to_external: bool,
        apply_to_internal: bool,
        body: str,
        enabled: bool,
        start_time: str | UnsetType = UNSET,
        end_time: str | UnsetType = UNSET,
        subject: str | UnsetType = UNSET,
        idempotency_key: str | None = None,
    ) -> None:
        """Set the absence notice."""
        self._bytes(
            Call(
                method="PUT",
                path="/api/v1/account/vacation",
                body={
                    "age": age,
                    "applyAlways": apply_always,
                    "applyToExternal": apply_to_external,
                    "applyToInternal": apply_to_internal,
                    "body": body,
                    "enabled": enabled,
                    "startTime": start_time,
                    "endTime": end_time,
                    "subject": subject,
                },
                idempotency_key=idempotency_key,
                is_keyed=True,
            )
        )

    def list_webhooks(self) -> structs.WebhookList:
        """List webhooks."""
        return self._json(Call(method="GET", path="/api/v1/account/webhooks"), structs.WebhookList)

    def create_webhook(
        self,
        *,
        url: str,
        kinds: list[
            Literal[
                "counters.changed",
                "folder.changed",
                "mail.bounced",
                "mail.changed",
                "mail.delivered",
                "mail.removed",
                "mail.sent",
            ]
        ]
        | UnsetType = UNSET,
        folder_id: str | None | UnsetType = UNSET,
        enabled: bool | UnsetType = UNSET,
        idempotency_key: str | None = None,
    ) -> structs.Webhook:
        """Make a webhook."""
        return self._json(
            Call(
                method="POST",
                path="/api/v1/account/webhooks",
                body={"url": url, "kinds": kinds, "folderId": folder_id, "enabled": enabled},
                idempotency_key=idempotency_key,
                is_keyed=True,
            ),
            structs.Webhook,
        )

    def delete_webhook(self, webhook_id: str, *, idempotency_key: str | None = None) -> None:
        """Delete a webhook."""
        self._bytes(
            Call(
                method="DELETE",
                path=fill("/api/v1/account/webhooks/{}", webhook_id),
                idempotency_key=idempotency_key,
                is_keyed=True,
            )
        )

    def get_webhook(self, webhook_id: str) -> structs.Webhook:
        """Get a webhook."""
        return self._json(
            Call(method="GET", path=fill("/api/v1/account/webhooks/{}", webhook_id)), structs.Webhook
        )

    def change_webhook(
        self,
        webhook_id: str,
        *,
        url: str | UnsetType = UNSET,
        kinds: list[
            Literal[
                "counters.changed",
                "folder.changed",
                "mail.bounced",
                "mail.changed",
                "mail.delivered",
                "mail.removed",
                "mail.sent",
            ]
        ]
        | UnsetType = UNSET,
        folder_id: str | None | UnsetType = UNSET,
        enabled: bool | UnsetType = UNSET,
        idempotency_key: str | None = None,
    ) -> structs.Webhook:
        """Change a webhook."""
        return self._json(
            Call(
                method="PATCH",
                path=fill("/api/v1/account/webhooks/{}", webhook_id),
                body={"url": url, "kinds": kinds, "folderId": folder_id, "enabled": enabled},
                idempotency_key=idempotency_key,
                is_keyed=True,
            ),
            structs.Webhook,
        )

    def replay_webhook(
        self, webhook_id: str, *, from_: int | str, idempotency_key: str | None = None
    ) -> structs.ReplayStart:
        """Start a webhook again."""
        return self._json(
            Call(
                method="POST",
                path=fill("/api/v1/account/webhooks/{}/replay", webhook_id),
                body={"from": from_},
                idempotency_key=idempotency_key,
                is_keyed=True,
            ),
            structs.ReplayStart,
        )

    def delete_conversations(
        self,
        *,
        ids: list[str] | UnsetType = UNSET,
        ranges: list[structs.RangeBody] | UnsetType = UNSET,
        sort_info: structs.SortBody | UnsetType = UNSET,
        folder_id: str | UnsetType = UNSET,
        idempotency_key: str | None = None,
    ) -> structs.BatchResult:
        """Delete conversations."""
        return self._json(
            Call(
                method="POST",
                path="/api/v1/batch/conversations/delete",
                body={"ids": ids, "ranges": ranges, "sortInfo": sort_info, "folderId": folder_id},
                idempotency_key=idempotency_key,
                is_keyed=True,
            ),
            structs.BatchResult,
        )

    def label_conversations(
        self,
        *,
        label_id: str,
        ids: list[str] | UnsetType = UNSET,
        ranges: list[structs.RangeBody] | UnsetType = UNSET,
        sort_info: structs.SortBody | UnsetType = UNSET,
        folder_id: str | UnsetType = UNSET,
        idempotency_key: str | None = None,
    ) -> structs.BatchResult:
        """Put a label on conversations."""
        return self._json(
            Call(
                method="POST",
                path="/api/v1/batch/conversations/labels/add",
                body={
                    "ids": ids,
                    "ranges": ranges,
                    "sortInfo": sort_info,
                    "folderId": folder_id,
                    "labelId": label_id,
                },
                idempotency_key=idempotency_key,
                is_keyed=True,
            ),
            structs.BatchResult,
        )

    def unlabel_conversations(
        self,
        *,
        label_id: str,
        ids: list[str] | UnsetType = UNSET,
        ranges: list[structs.RangeBody] | UnsetType = UNSET,
        sort_info: structs.SortBody | UnsetType = UNSET,
        folder_id: str | UnsetType = UNSET,
        idempotency_key: str | None = None,
    ) -> structs.BatchResult:
        """Take a label off conversations."""
        return self._json(
            Call(
                method="POST",
                path="/api/v1/batch/conversations/labels/remove",
                body={
                    "ids": ids,
                    "ranges": ranges,
                    "sortInfo": sort_info,
                    "folderId": folder_id,
                    "labelId": label_id,
                },
                idempotency_key=idempotency_key,
                is_keyed=True,
            ),
            structs.BatchResult,
        )

    def move_conversations(
        self,
        *,
        destination_folder_id: str,
        ids: list[str] | UnsetType = UNSET,
        ranges: list[structs.RangeBody] | UnsetType = UNSET,
        sort_info: structs.SortBody | UnsetType = UNSET,
        folder_id: str | UnsetType = UNSET,
        idempotency_key: str | None = None,
    ) -> structs.BatchResult:
        """Move conversations."""
        return self._json(
            Call(
                method="POST",
                path="/api/v1/batch/conversations/move",
                body={
                    "ids": ids,
                    "ranges": ranges,
                    "sortInfo": sort_info,
                    "folderId": folder_id,
                    "destinationFolderId": destination_folder_id,
                },
                idempotency_key=idempotency_key,
                is_keyed=True,
            ),
            structs.BatchResult,
        )

    def update_conversations(
        self,
        *,
        ids: list[str] | UnsetType = UNSET,
        ranges: list[structs.RangeBody] | UnsetType = UNSET,
        sort_info: structs.SortBody | UnsetType = UNSET,
        folder_id: str | UnsetType = UNSET,
        is_unread: bool | UnsetType = UNSET,
        is_flagged: bool | UnsetType = UNSET,
        idempotency_key: str | None = None,
    ) -> structs.BatchResult:
        """Set flags of conversations."""
        return self._json(
            Call(
                method="POST",
                path="/api/v1/batch/conversations/update",
                body={
                    "ids": ids,
                    "ranges": ranges,
                    "sortInfo": sort_info,
                    "folderId": folder_id,
                    "isUnread": is_unread,
                    "isFlagged": is_flagged,
                },
                idempotency_key=idempotency_key,
                is_keyed=True,
            ),
            structs.BatchResult,
        )

    def copy_mails(
        self,
        *,
        ids: list[str] | UnsetType = UNSET,
        ranges: list[structs.RangeBody] | UnsetType = UNSET,
        sort_info: structs.SortBody | UnsetType = UNSET,
        folder_id: str | UnsetType = UNSET,
        destination_folder_id: str | UnsetType = UNSET,
        idempotency_key: str | None = None,
    ) -> structs.BatchResult:
        """Copy mails."""
        return self._json(
            Call(
                method="POST",
                path="/api/v1/batch/mails/copy",
                body={
                    "ids": ids,
                    "ranges": ranges,
                    "sortInfo": sort_info,
                    "folderId": folder_id,
                    "destinationFolderId": destination_folder_id,
                },
                idempotency_key=idempotency_key,
                is_keyed=True,
            ),
            structs.BatchResult,
        )

    def delete_mails(
        self,
        *,
        ids: list[str] | UnsetType = UNSET,
        ranges: list[structs.RangeBody] | UnsetType = UNSET,
        sort_info: structs.SortBody | UnsetType = UNSET,
        folder_id: str | UnsetType = UNSET,
        idempotency_key: str | None = None,
    ) -> structs.BatchResult:
        """Delete mails."""
        return self._json(
            Call(
                method="POST",
                path="/api/v1/batch/mails/delete",
                body={"ids": ids, "ranges": ranges, "sortInfo": sort_info, "folderId": folder_id},
                idempotency_key=idempotency_key,
                is_keyed=True,
            ),
            structs.BatchResult,
        )

    def label_mails(
        self,
        *,
        label_id: str,
        ids: list[str] | UnsetType = UNSET,
        ranges: list[structs.RangeBody] | UnsetType = UNSET,
        sort_info: structs.SortBody | UnsetType = UNSET,
        folder_id: str | UnsetType = UNSET,
        idempotency_key: str | None = None,
    ) -> structs.BatchResult:
        """Put a label on mails."""
        return self._json(
            Call(
                method="POST",
                path="/api/v1/batch/mails/labels/add",
                body={
                    "ids": ids,
                    "ranges": ranges,
                    "sortInfo": sort_info,
                    "folderId": folder_id,
                    "labelId": label_id,
                },
                idempotency_key=idempotency_key,
                is_keyed=True,
            ),
            structs.BatchResult,
        )

    def unlabel_mails(
        self,
        *,
        label_id: str,
        ids: list[str] | UnsetType = UNSET,
        ranges: list[structs.RangeBody] | UnsetType = UNSET,
        sort_info: structs.SortBody | UnsetType = UNSET,
        folder_id: str | UnsetType = UNSET,
        idempotency_key: str | None = None,
    ) -> structs.BatchResult:
        """Take a label off mails."""
        return self._json(
            Call(
                method="POST",
                path="/api/v1/batch/mails/labels/remove",
                body={
                    "ids": ids,
                    "ranges": ranges,
                    "sortInfo": sort_info,
                    "folderId": folder_id,
                    "labelId": label_id,
                },
                idempotency_key=idempotency_key,
                is_keyed=True,
            ),
            structs.BatchResult,
        )

    def move_mails(
        self,
        *,
        destination_folder_id: str,
        ids: list[str] | UnsetType = UNSET,
        ranges: list[structs.RangeBody] | UnsetType = UNSET,
        sort_info: structs.SortBody | UnsetType = UNSET,
        folder_id: str | UnsetType = UNSET,
        idempotency_key: str | None = None,
    ) -> structs.BatchResult:
        """Move mails."""
        return self._json(
            Call(
                method="POST",
                path="/api/v1/batch/mails/move",
                body={
                    "ids": ids,
                    "ranges": ranges,
                    "sortInfo": sort_info,
                    "folderId": folder_id,
                    "destinationFolderId": destination_folder_id,
                },
                idempotency_key=idempotency_key,
                is_keyed=True,
            ),
            structs.BatchResult,
        )

    def update_mails(
        self,
        *,
        ids: list[str] | UnsetType = UNSET,
        ranges: list[structs.RangeBody] | UnsetType = UNSET,
        sort_info: structs.SortBody | UnsetType = UNSET,
        folder_id: str | UnsetType = UNSET,
        is_unread: bool | UnsetType = UNSET,
        is_flagged: bool | UnsetType = UNSET,
        idempotency_key: str | None = None,
    ) -> structs.BatchResult:
        """Set flags of mails."""
        return self._json(
            Call(
                method="POST",
                path="/api/v1/batch/mails/update",
                body={
                    "ids": ids,
                    "ranges": ranges,
                    "sortInfo": sort_info,
                    "folderId": folder_id,
                    "isUnread": is_unread,
                    "isFlagged": is_flagged,
                },
                idempotency_key=idempotency_key,
                is_keyed=True,
            ),
            structs.BatchResult,
        )

    def get_batch(self, job_key: str) -> structs.BatchResult:
        """Get how far a batch is."""
        return self._json(Call(method="GET", path=fill("/api/v1/batch/{}", job_key)), structs.BatchResult)

    def search_logos(
        self, *, bimi_locations: list[str], idempotency_key: str | None = None
    ) -> structs.BimiLogos:
        """Get senders' logos."""
        return self._json(
            Call(
                method="POST",
                path="/api/v1/bimi/search",
                body={"bimiLocations": bimi_locations},
                idempotency_key=idempotency_key,
                is_keyed=True,
            ),
            structs.BimiLogos,
        )

    def get_captcha(self, *, username: str, t: str | UnsetType = UNSET) -> Download:
        """Make a captcha."""
        return self._open(Call(method="GET", path="/api/v1/captcha", query={"username": username, "t": t}))

    def get_captcha_status(self, *, username: str) -> structs.CaptchaStatus:
        """Tell whether a captcha is required."""
        return self._json(
            Call(method="GET", path="/api/v1/captcha/status", query={"username": username}),
            structs.CaptchaStatus,
        )

    def list_contacts(
        self,
        *,
        folder_id: str | UnsetType = UNSET,
        sort: structs.ContactField | UnsetType = UNSET,
        dir: Literal["ASC", "DESC"] | UnsetType = UNSET,
        start: int | UnsetType = UNSET,
        limit: int | UnsetType = UNSET,
    ) -> structs.ContactList:
        """List contacts."""
        return self._json(
            Call(
                method="GET",
                path="/api/v1/contacts",
                query={"folderId": folder_id, "sort": sort, "dir": dir, "start": start, "limit": limit},
            ),
            structs.ContactList,
        )

    def get_contacts_sync_token(self) -> structs.SyncToken:
        """List contacts."""
        return self._json(
            Call(method="GET", path="/api/v1/contacts", query={"syncTokenOnly": True}), structs.SyncToken
        )

    def iter_contacts_pages(
        self,
        *,
        folder_id: str | UnsetType = UNSET,
        sort: structs.ContactField | UnsetType = UNSET,
        dir: Literal["ASC", "DESC"] | UnsetType = UNSET,
        limit: int | UnsetType = UNSET,
    ) -> Iterator[structs.ContactList]:
        """List contacts, page by page until the end."""
        start = 0
        while True:
            page = self.list_contacts(folder_id=folder_id, sort=sort, dir=dir, limit=limit, start=start)
            yield page
            start += len(page.items)
            if not page.items or start >= page.total_items:
                return

    def create_contact(
        self,
        *,
        name: str | UnsetType = UNSET,
        first_name: str | UnsetType = UNSET,
        last_name: str | UnsetType = UNSET,
        nick_name: str | UnsetType = UNSET,
        email: str | UnsetType = UNSET,
        business_email: str | UnsetType = UNSET,
        home_email: str | UnsetType = UNSET,
        phone: str | UnsetType = UNSET,
        organization: str | UnsetType = UNSET,
        notes: str | UnsetType = UNSET,
        folder_id: str | UnsetType = UNSET,
        members: list[str] | UnsetType = UNSET,
        avatar: bytes | None | UnsetType = UNSET,
        idempotency_key: str | None = None,
    ) -> structs.Contact:
        """Make a contact."""
        return self._json(
            Call(
                method="POST",
                path="/api/v1/contacts",
                body={
                    "name": name,
                    "firstName": first_name,
                    "lastName": last_name,
                    "nickName": nick_name,
                    "email": email,
                    "businessEmail": business_email,
                    "homeEmail": home_email,
                    "phone": phone,
                    "organization": organization,
                    "notes": notes,
                    "folderId": folder_id,
                    "members": members,
                    "avatar": avatar,
                },
                idempotency_key=idempotency_key,
                is_keyed=True,
            ),
            structs.Contact,
        )

    def complete_contacts(self, *, query: str, limit: int | UnsetType = UNSET) -> structs.FoundContacts:
        """Find contacts as one types."""
        return self._json(
            Call(method="GET", path="/api/v1/contacts/autocomplete", query={"query": query, "limit": limit}),
            structs.FoundContacts,
        )

    def search_contact_avatars(
        self,
        *,
        contact_email_addresses: list[str] | UnsetType = UNSET,
        contact_ids: list[str] | UnsetType = UNSET,
        idempotency_key: str | None = None,
    ) -> structs.ContactAvatars:
        """Get pictures of contacts."""
        return self._json(
            Call(
                method="POST",
                path="/api/v1/contacts/avatars/search",
                body={"contactEmailAddresses": contact_email_addresses, "contactIds": contact_ids},
                idempotency_key=idempotency_key,
                is_keyed=True,
            ),
            structs.ContactAvatars,
        )

    def get_contact_delta(
        self,
        *,
        folder_id: str | UnsetType = UNSET,
        sync_token: str | UnsetType = UNSET,
        limit: int | UnsetType = UNSET,
    ) -> structs.ContactDelta:
        """Get the changes of contacts."""
        return self._json(
            Call(
                method="GET",
                path="/api/v1/contacts/delta",
                query={"folderId": folder_id, "syncToken": sync_token, "limit": limit},
            ),
            structs.ContactDelta,
        )

    def iter_contact_delta(
        self,
        *,
        folder_id: str | UnsetType = UNSET,
        sync_token: str | UnsetType = UNSET,
        limit: int | UnsetType = UNSET,
    ) -> Iterator[structs.ContactDelta]:
        """Get the changes of contacts, answer by answer until there is no more to come."""
        while True:
            delta = self.get_contact_delta(folder_id=folder_id, sync_token=sync_token, limit=limit)
            yield delta
            sync_token = delta.sync_token
            if not delta.more_available:
                return

    def export_contacts(
        self, *, folder_id: str | UnsetType = UNSET, version: Literal["3.0", "4.0"] | UnsetType = UNSET
    ) -> Download:
        """Get contacts as vCards."""
        return self._open(
            Call(
                method="GET",
                path="/api/v1/contacts/export",
                query={"folderId": folder_id, "version": version},
            )
        )

    def import_contacts(
        self, *, files: Sequence[File], folder_id: str | UnsetType = UNSET, idempotency_key: str | None = None
    ) -> structs.ImportResult:
        """Take in vCards."""
        return self._json(
            Call(
                method="POST",
                path="/api/v1/contacts/import",
                query={"folderId": folder_id},
                files=tuple(files),
                idempotency_key=idempotency_key,
                is_keyed=True,
            ),
            structs.ImportResult,
        )

    def delete_contact(self, contact_id: str, *, idempotency_key: str | None = None) -> None:
        """Delete a contact."""
        self._bytes(
            Call(
                method="DELETE",
                path=fill("/api/v1/contacts/{}", contact_id),
                idempotency_key=idempotency_key,
                is_keyed=True,
            )
        )

    def get_contact(self, contact_id: str) -> structs.Contact:
        """Get a contact."""
        return self._json(Call(method="GET", path=fill("/api/v1/contacts/{}", contact_id)), structs.Contact)

    def change_contact(
        self,
        contact_id: str,
        *,
        name: str | UnsetType = UNSET,
        first_name: str | UnsetType = UNSET,
        last_name: str | UnsetType = UNSET,
        nick_name: str | UnsetType = UNSET,
        email: str | UnsetType = UNSET,
        business_email: str | UnsetType = UNSET,
        home_email: str | UnsetType = UNSET,
        phone: str | UnsetType = UNSET,
        organization: str | UnsetType = UNSET,
        notes: str | UnsetType = UNSET,
        folder_id: str | UnsetType = UNSET,
        members: list[str] | UnsetType = UNSET,
        avatar: bytes | None | UnsetType = UNSET,
        idempotency_key: str | None = None,
    ) -> structs.Contact:
        """Change a contact."""
        return self._json(
            Call(
                method="PATCH",
                path=fill("/api/v1/contacts/{}", contact_id),
                body={
                    "name": name,
                    "firstName": first_name,
                    "lastName": last_name,
                    "nickName": nick_name,
                    "email": email,
                    "businessEmail": business_email,
                    "homeEmail": home_email,
                    "phone": phone,
                    "organization": organization,
                    "notes": notes,
                    "folderId": folder_id,
                    "members": members,
                    "avatar": avatar,
                },
                idempotency_key=idempotency_key,
                is_keyed=True,
            ),
            structs.Contact,
        )

    def list_conversations(
        self,
        *,
        folder_id: str,
        sort: Literal[
            "date", "from", "hasAttachments", "importance", "isFlagged", "isUnread", "subject", "to"
        ]
        | UnsetType = UNSET,
        dir: Literal["ASC", "DESC"] | UnsetType = UNSET,
        start: int | UnsetType = UNSET,
        limit: int | UnsetType = UNSET,
        active_conversation_id: str | UnsetType = UNSET,
    ) -> structs.ConversationList:
        """List conversations."""
        return self._json(
            Call(
                method="GET",
                path="/api/v1/conversations",
                query={
                    "folderId": folder_id,
                    "sort": sort,
                    "dir": dir,
                    "start": start,
                    "limit": limit,
                    "activeConversationId": active_conversation_id,
                },
            ),
            structs.ConversationList,
        )

    def get_conversations_sync_token(self, *, folder_id: str) -> structs.SyncToken:
        """List conversations."""
        return self._json(
            Call(
                method="GET",
                path="/api/v1/conversations",
                query={"folderId": folder_id, "syncTokenOnly": True},
            ),
            structs.SyncToken,
        )

    def iter_conversations_pages(
        self,
        *,
        folder_id: str,
        sort: Literal[
            "date", "from", "hasAttachments", "importance", "isFlagged", "isUnread", "subject", "to"
        ]
        | UnsetType = UNSET,
        dir: Literal["ASC", "DESC"] | UnsetType = UNSET,
        limit: int | UnsetType = UNSET,
        active_conversation_id: str | UnsetType = UNSET,
    ) -> Iterator[structs.ConversationList]:
        """List conversations, page by page until the end."""
        start = 0
        while True:
            page = self.list_conversations(
                folder_id=folder_id,
                sort=sort,
                dir=dir,
                limit=limit,
                active_conversation_id=active_conversation_id,
                start=start,
            )
            yield page
            start += len(page.items)
            if not page.items or start >= page.total_items:
                return

    def delete_conversation(self, conversation_id: str, *, idempotency_key: str | None = None) -> None:
        """Delete a conversation."""
        self._bytes(
            Call(
                method="DELETE",
                path=fill("/api/v1/conversations/{}", conversation_id),
                idempotency_key=idempotency_key,
                is_keyed=True,
            )
        )

    def get_conversation(
        self,
        conversation_id: str,
        *,
        start: int | UnsetType = UNSET,
        limit: int | UnsetType = UNSET,
        mail_ids: list[str] | UnsetType = UNSET,
    ) -> structs.ConversationMails:
        """Get the mails of a conversation."""
        return self._json(
            Call(
                method="GET",
                path=fill("/api/v1/conversations/{}", conversation_id),
                query={"start": start, "limit": limit, "mailIds": mail_ids},
            ),
            structs.ConversationMails,
        )

    def get_conversation_sync_token(self, conversation_id: str) -> structs.SyncToken:
        """Get the mails of a conversation."""
        return self._json(
            Call(
                method="GET",
                path=fill("/api/v1/conversations/{}", conversation_id),
                query={"syncTokenOnly": True},
            ),
            structs.SyncToken,
        )

    def iter_conversation_pages(
        self, conversation_id: str, *, limit: int | UnsetType = UNSET, mail_ids: list[str] | UnsetType = UNSET
    ) -> Iterator[structs.ConversationMails]:
        """Get the mails of a conversation, page by page until the end."""
        start = 0
        while True:
            page = self.get_conversation(conversation_id, limit=limit, mail_ids=mail_ids, start=start)
            yield page
            start += len(page.items)
            if not page.items or start >= page.total_items:
                return

    def set_conversation_flags(
        self,
        conversation_id: str,
        *,
        is_unread: bool | UnsetType = UNSET,
        is_flagged: bool | UnsetType = UNSET,
        idempotency_key: str | None = None,
    ) -> structs.Conversation:
        """Set flags of a conversation."""
        return self._json(
            Call(
                method="PATCH",
                path=fill("/api/v1/conversations/{}", conversation_id),
                body={"isUnread": is_unread, "isFlagged": is_flagged},
                idempotency_key=idempotency_key,
                is_keyed=True,
            ),
            structs.Conversation,
        )

    def add_conversation_label(
        self, conversation_id: str, *, label_id: str, idempotency_key: str | None = None
    ) -> None:
        """Put a label on a conversation."""
        self._bytes(
            Call(
                method="POST",
                path=fill("/api/v1/conversations/{}/labels", conversation_id),
                body={"labelId": label_id},
                idempotency_key=idempotency_key,
                is_keyed=True,
            )
        )

    def remove_conversation_label(
        self, conversation_id: str, label_id: str, *, idempotency_key: str | None = None
    ) -> None:
        """Take a label off a conversation."""
        self._bytes(
            Call(
                method="DELETE",
                path=fill("/api/v1/conversations/{}/labels/{}", conversation_id, label_id),
                idempotency_key=idempotency_key,
                is_keyed=True,
            )
        )

    def move_conversation(
        self, conversation_id: str, *, destination_folder_id: str, idempotency_key: str | None = None
    ) -> structs.Conversation | None:
        """Move a conversation."""
        return self._json_or_none(
            Call(
                method="POST",
                path=fill("/api/v1/conversations/{}/move", conversation_id),
                body={"destinationFolderId": destination_folder_id},
                idempotency_key=idempotency_key,
                is_keyed=True,
            ),
            structs.Conversation,
        )

    def mark_conversation_spam(self, conversation_id: str, *, idempotency_key: str | None = None) -> None:
        """Move a conversation to Spam."""
        self._bytes(
            Call(
                method="POST",
                path=fill("/api/v1/conversations/{}/spam", conversation_id),
                idempotency_key=idempotency_key,
                is_keyed=True,
            )
        )

    def explain_conversation(self, conversation_id: str) -> structs.WhyJoined:
        """Get what joined the mails of a conversation."""
        return self._json(
            Call(method="GET", path=fill("/api/v1/conversations/{}/why", conversation_id)), structs.WhyJoined
        )

    def replace_draft(
        self,
        mail_id: str,
        *,
        from_: str | UnsetType = UNSET,
        to: str | UnsetType = UNSET,
        cc: str | UnsetType = UNSET,
        bcc: str | UnsetType = UNSET,
        reply_to: str | UnsetType = UNSET,
        subject: str | UnsetType = UNSET,
        body_text: str | UnsetType = UNSET,
        body_html: str | UnsetType = UNSET,
        importance: Literal["high", "low", "normal"] | UnsetType = UNSET,
        refw_type: Literal["fw", "re"] | UnsetType = UNSET,
        refw_mail_id: str | UnsetType = UNSET,
        temporary_attachments: list[structs.AttachmentToAdd] | UnsetType = UNSET,
        is_unread: bool | UnsetType = UNSET,
        is_flagged: bool | UnsetType = UNSET,
        idempotency_key: str | None = None,
    ) -> structs.Mail:
        """Save a draft anew."""
        return self._json(
            Call(
                method="PUT",
                path=fill("/api/v1/drafts/{}", mail_id),
                body={
                    "from": from_,
                    "to": to,
                    "cc": cc,
                    "bcc": bcc,
                    "replyTo": reply_to,
                    "subject": subject,
                    "bodyText": body_text,
                    "bodyHtml": body_html,
                    "importance": importance,
                    "refwType": refw_type,
                    "refwMailId": refw_mail_id,
                    "temporaryAttachments": temporary_attachments,
                    "isUnread": is_unread,
                    "isFlagged": is_flagged,
                },
                idempotency_key=idempotency_key,
                is_keyed=True,
            ),
            structs.Mail,
        )

    def send_draft(self, mail_id: str, *, idempotency_key: str | None = None) -> structs.SentMail:
        """Send a draft."""
        return self._json(
            Call(
                method="POST",
                path=fill("/api/v1/drafts/{}/send", mail_id),
                idempotency_key=idempotency_key,
                is_keyed=True,
            ),
            structs.SentMail,
        )

    def schedule_draft(
        self, mail_id: str, *, delivery_time: int, idempotency_key: str | None = None
    ) -> structs.MailId:
        """Send a draft at a time."""
        return self._json(
            Call(
                method="POST",
                path=fill("/api/v1/drafts/{}/send/schedule", mail_id),
                body={"deliveryTime": delivery_time},
                idempotency_key=idempotency_key,
                is_keyed=True,
            ),
            structs.MailId,
        )

    def issue_ticket(self, *, idempotency_key: str | None = None) -> structs.Ticket:
        """Make a ticket for a stream."""
        return self._json(
            Call(method="POST", path="/api/v1/events/ticket", idempotency_key=idempotency_key, is_keyed=True),
            structs.Ticket,
        )

    def list_folders(
        self,
        *,
        type: Literal["all", "contacts", "events", "mails", "notes", "tasks"] | UnsetType = UNSET,
        access_mode: Literal["all", "local", "public", "shared"] | UnsetType = UNSET,
    ) -> structs.FolderList:
        """List the folders."""
        return self._json(
            Call(method="GET", path="/api/v1/folders", query={"type": type, "accessMode": access_mode}),
            structs.FolderList,
        )

    def get_folders_sync_token(self) -> structs.SyncToken:
        """List the folders."""
        return self._json(
            Call(method="GET", path="/api/v1/folders", query={"syncTokenOnly": True}), structs.SyncToken
        )

    def create_folder(
        self,
        *,
        name: str,
        type: Literal["contacts", "events", "mails", "notes", "tasks"] | UnsetType = UNSET,
        parent_id: str | UnsetType = UNSET,
        idempotency_key: str | None = None,
    ) -> structs.Folder:
        """Make a folder."""
        return self._json(
            Call(
                method="POST",
                path="/api/v1/folders",
                body={"name": name, "type": type, "parentId": parent_id},
                idempotency_key=idempotency_key,
                is_keyed=True,
            ),
            structs.Folder,
        )

    def get_folder_delta(
        self,
        *,
        access_mode: Literal["all", "local", "public", "shared"] | UnsetType = UNSET,
        sync_token: str | UnsetType = UNSET,
    ) -> structs.FolderDelta:
        """Get the changes of the folders."""
        return self._json(
            Call(
                method="GET",
                path="/api/v1/folders/delta",
                query={"accessMode": access_mode, "syncToken": sync_token},
            ),
            structs.FolderDelta,
        )

    def delete_folder(self, folder_id: str, *, idempotency_key: str | None = None) -> None:
        """Delete a folder."""
        self._bytes(
            Call(
                method="DELETE",
                path=fill("/api/v1/folders/{}", folder_id),
                idempotency_key=idempotency_key,
                is_keyed=True,
            )
        )

    def get_folder(self, folder_id: str) -> structs.Folder:
        """Get a folder."""
        return self._json(Call(method="GET", path=fill("/api/v1/folders/{}", folder_id)), structs.Folder)

    def rename_folder(
        self, folder_id: str, *, name: str, idempotency_key: str | None = None
    ) -> structs.Folder:
        """Rename a folder."""
        return self._json(
            Call(
                method="PATCH",
                path=fill("/api/v1/folders/{}", folder_id),
                body={"name": name},
                idempotency_key=idempotency_key,
                is_keyed=True,
            ),
            structs.Folder,
        )

    def move_folder(
        self, folder_id: str, *, parent_id: str, idempotency_key: str | None = None
    ) -> structs.Folder:
        """Move a folder."""
        return self._json(
            Call(
                method="POST",
                path=fill("/api/v1/folders/{}/move", folder_id),
                body={"parentId": parent_id},
                idempotency_key=idempotency_key,
                is_keyed=True,
            ),
            structs.Folder,
        )

    def delete_permissions(self, folder_id: str, *, account: str, idempotency_key: str | None = None) -> None:
        """Take all permissions in a folder from a reader."""
        self._bytes(
            Call(
                method="DELETE",
                path=fill("/api/v1/folders/{}/permissions", folder_id),
                query={"account": account},
                idempotency_key=idempotency_key,
                is_keyed=True,
            )
        )

    def list_permissions(self, folder_id: str) -> structs.PermissionList:
        """List who may do what in a folder."""
        return self._json(
            Call(method="GET", path=fill("/api/v1/folders/{}/permissions", folder_id)), structs.PermissionList
        )

    def set_permissions(
        self, folder_id: str, *, account: str, permissions: list[str], idempotency_key: str | None = None
    ) -> structs.Permission:
        """Say what a reader may do in a folder."""
        return self._json(
            Call(
                method="PUT",
                path=fill("/api/v1/folders/{}/permissions", folder_id),
                body={"account": account, "permissions": permissions},
                idempotency_key=idempotency_key,
                is_keyed=True,
            ),
            structs.Permission,
        )

    def list_labels(self) -> structs.LabelList:
        """List the labels."""
        return self._json(Call(method="GET", path="/api/v1/labels"), structs.LabelList)

    def get_labels_sync_token(self) -> structs.SyncToken:
        """List the labels."""
        return self._json(
            Call(method="GET", path="/api/v1/labels", query={"syncTokenOnly": True}), structs.SyncToken
        )

    def create_label(self, *, name: str, idempotency_key: str | None = None) -> structs.Label:
        """Make a label."""
        return self._json(
            Call(
                method="POST",
                path="/api/v1/labels",
                body={"name": name},
                idempotency_key=idempotency_key,
                is_keyed=True,
            ),
            structs.Label,
        )

    def delete_label(self, label_id: str, *, idempotency_key: str | None = None) -> None:
        """Delete a label."""
        self._bytes(
            Call(
                method="DELETE",
                path=fill("/api/v1/labels/{}", label_id),
                idempotency_key=idempotency_key,
                is_keyed=True,
            )
        )

    def get_label(self, label_id: str) -> structs.Label:
        """Get a label."""
        return self._json(Call(method="GET", path=fill("/api/v1/labels/{}", label_id)), structs.Label)

    def rename_label(self, label_id: str, *, name: str, idempotency_key: str | None = None) -> structs.Label:
        """Rename a label."""
        return self._json(
            Call(
                method="PATCH",
                path=fill("/api/v1/labels/{}", label_id),
                body={"name": name},
                idempotency_key=idempotency_key,
                is_keyed=True,
            ),
            structs.Label,
        )

    def replace_label(self, label_id: str, *, name: str, idempotency_key: str | None = None) -> structs.Label:
        """Rename a label."""
        return self._json(
            Call(
                method="PUT",
                path=fill("/api/v1/labels/{}", label_id),
                body={"name": name},
                idempotency_key=idempotency_key,
                is_keyed=True,
            ),
            structs.Label,
        )

    def login(self) -> structs.Login:
        """Make a session."""
        return self._json(Call(method="POST", path="/api/v1/login"), structs.Login)

    def pass_second_step(
        self,
        *,
        method_id: str | None | UnsetType = UNSET,
        totp_token: str | None | UnsetType = UNSET,
        recovery_code: str | None | UnsetType = UNSET,
    ) -> None:
        """Pass the second step of a login."""
        self._bytes(
            Call(
                method="POST",
                path="/api/v1/login/2fa",
                body={"methodId": method_id, "totpToken": totp_token, "recoveryCode": recovery_code},
            )
        )

    def login_with_cookie(
        self,
        *,
        username: str,
        password: str,
        captcha_text: str | None | UnsetType = UNSET,
        captcha_id: str | None | UnsetType = UNSET,
        remember_login: bool | UnsetType = UNSET,
    ) -> structs.Login:
        """Make a session for a browser."""
        return self._json(
            Call(
                method="POST",
                path="/api/v1/login/cookie",
                body={
                    "username": username,
                    "password": password,
                    "captchaText": captcha_text,
                    "captchaId": captcha_id,
                    "rememberLogin": remember_login,
                },
            ),
            structs.Login,
        )

    def logout(self) -> None:
        """End the session."""
        self._bytes(Call(method="POST", path="/api/v1/logout"))

    def list_mails(
        self,
        *,
        folder_id: str,
        sort: structs.SortField | UnsetType = UNSET,
        dir: Literal["ASC", "DESC"] | UnsetType = UNSET,
        start: int | UnsetType = UNSET,
        limit: int | UnsetType = UNSET,
        active_mail_id: str | UnsetType = UNSET,
    ) -> structs.MailList:
        """List mails."""
        return self._json(
            Call(
                method="GET",
                path="/api/v1/mails",
                query={
                    "folderId": folder_id,
                    "sort": sort,
                    "dir": dir,
                    "start": start,
                    "limit": limit,
                    "activeMailId": active_mail_id,
                },
            ),
            structs.MailList,
        )

    def get_mails_sync_token(self, *, folder_id: str) -> structs.SyncToken:
        """List mails."""
        return self._json(
            Call(method="GET", path="/api/v1/mails", query={"folderId": folder_id, "syncTokenOnly": True}),
            structs.SyncToken,
        )

    def iter_mails_pages(
        self,
        *,
        folder_id: str,
        sort: structs.SortField | UnsetType = UNSET,
        dir: Literal["ASC", "DESC"] | UnsetType = UNSET,
        limit: int | UnsetType = UNSET,
        active_mail_id: str | UnsetType = UNSET,
    ) -> Iterator[structs.MailList]:
        """List mails, page by page until the end."""
        start = 0
        while True:
            page = self.list_mails(
                folder_id=folder_id,
                sort=sort,
                dir=dir,
                limit=limit,
                active_mail_id=active_mail_id,
                start=start,
            )
            yield page
            start += len(page.items)
            if not page.items or start >= page.total_items:
                return

    def create_mail(
        self,
        *,
        from_: str | UnsetType = UNSET,
        to: str | UnsetType = UNSET,
        cc: str | UnsetType = UNSET,
        bcc: str | UnsetType = UNSET,
        reply_to: str | UnsetType = UNSET,
        subject: str | UnsetType = UNSET,
        body_text: str | UnsetType = UNSET,
        body_html: str | UnsetType = UNSET,
        importance: Literal["high", "low", "normal"] | UnsetType = UNSET,
        refw_type: Literal["fw", "re"] | UnsetType = UNSET,
        refw_mail_id: str | UnsetType = UNSET,
        temporary_attachments: list[structs.AttachmentToAdd] | UnsetType = UNSET,
        is_unread: bool | UnsetType = UNSET,
        is_flagged: bool | UnsetType = UNSET,
        folder_id: str | UnsetType = UNSET,
        idempotency_key: str | None = None,
    ) -> structs.Mail:
        """Save a mail."""
        return self._json(
            Call(
                method="POST",
                path="/api/v1/mails",
                body={
                    "from": from_,
                    "to": to,
                    "cc": cc,
                    "bcc": bcc,
                    "replyTo": reply_to,
                    "subject": subject,
                    "bodyText": body_text,
                    "bodyHtml": body_html,
                    "importance": importance,
                    "refwType": refw_type,
                    "refwMailId": refw_mail_id,
                    "temporaryAttachments": temporary_attachments,
                    "isUnread": is_unread,
                    "isFlagged": is_flagged,
                    "folderId": folder_id,
                },
                idempotency_key=idempotency_key,
                is_keyed=True,
            ),
            structs.Mail,
        )

    def get_counters(
        self, *, folders: Literal["all"] | UnsetType = UNSET, labels: Literal["all"] | UnsetType = UNSET
    ) -> structs.Counters:
        """Count the unread."""
        return self._json(
            Call(method="GET", path="/api/v1/mails/counters", query={"folders": folders, "labels": labels}),
            structs.Counters,
        )

    def get_mail_delta(
        self, *, folder_id: str, sync_token: str | UnsetType = UNSET, limit: int | UnsetType = UNSET
    ) -> structs.MailDelta:
        """Get the changes of a folder's mails."""
        return self._json(
            Call(
                method="GET",
                path="/api/v1/mails/delta",
                query={"folderId": folder_id, "syncToken": sync_token, "limit": limit},
            ),
            structs.MailDelta,
        )

    def iter_mail_delta(
        self, *, folder_id: str, sync_token: str | UnsetType = UNSET, limit: int | UnsetType = UNSET
    ) -> Iterator[structs.MailDelta]:
        """Get the changes of a folder's mails, answer by answer until there is no more to come."""
        while True:
            delta = self.get_mail_delta(folder_id=folder_id, sync_token=sync_token, limit=limit)
            yield delta
            sync_token = delta.sync_token
            if not delta.more_available:
                return

    def search_mails(
        self,
        *,
        folder_ids: list[str],
        query: list[structs.Criterion],
        recursive: bool | UnsetType = UNSET,
        limit: Any | UnsetType = UNSET,
        idempotency_key: str | None = None,
    ) -> structs.SearchResult:
        """Search mails."""
        return self._json(
            Call(
                method="POST",
                path="/api/v1/mails/search",
                body={"folderIds": folder_ids, "query": query, "recursive": recursive, "limit": limit},
                idempotency_key=idempotency_key,
                is_keyed=True,
            ),
            structs.SearchResult,
        )

    def suggest_searches(self, *, prefix: str) -> structs.SuggestionList:
        """Suggest what to search for."""
        return self._json(
            Call(method="GET", path="/api/v1/mails/search/suggest", query={"prefix": prefix}),
            structs.SuggestionList,
        )

    def send_mail(
        self,
        *,
        from_: str | UnsetType = UNSET,
        to: str | UnsetType = UNSET,
        cc: str | UnsetType = UNSET,
        bcc: str | UnsetType = UNSET,
        reply_to: str | UnsetType = UNSET,
        subject: str | UnsetType = UNSET,
        body_text: str | UnsetType = UNSET,
        body_html: str | UnsetType = UNSET,
        importance: Literal["high", "low", "normal"] | UnsetType = UNSET,
        refw_type: Literal["fw", "re"] | UnsetType = UNSET,
        refw_mail_id: str | UnsetType = UNSET,
        temporary_attachments: list[structs.AttachmentToAdd] | UnsetType = UNSET,
        request_read_receipt: bool | UnsetType = UNSET,
        request_delivery_receipt: bool | UnsetType = UNSET,
        idempotency_key: str | None = None,
    ) -> structs.SentMail:
        """Send a mail."""
        return self._json(
            Call(
                method="POST",
                path="/api/v1/mails/send",
                body={
                    "from": from_,
                    "to": to,
                    "cc": cc,
                    "bcc": bcc,
                    "replyTo": reply_to,
                    "subject": subject,
                    "bodyText": body_text,
                    "bodyHtml": body_html,
                    "importance": importance,
                    "refwType": refw_type,
                    "refwMailId": refw_mail_id,
                    "temporaryAttachments": temporary_attachments,
                    "requestReadReceipt": request_read_receipt,
                    "requestDeliveryReceipt": request_delivery_receipt,
                },
                idempotency_key=idempotency_key,
                is_keyed=True,
            ),
            structs.SentMail,
        )

    def schedule_mail(
        self,
        *,
        delivery_time: int,
        from_: str | UnsetType = UNSET,
        to: str | UnsetType = UNSET,
        cc: str | UnsetType = UNSET,
        bcc: str | UnsetType = UNSET,
        reply_to: str | UnsetType = UNSET,
        subject: str | UnsetType = UNSET,
        body_text: str | UnsetType = UNSET,
        body_html: str | UnsetType = UNSET,
        importance: Literal["high", "low", "normal"] | UnsetType = UNSET,
        refw_type: Literal["fw", "re"] | UnsetType = UNSET,
        refw_mail_id: str | UnsetType = UNSET,
        temporary_attachments: list[structs.AttachmentToAdd] | UnsetType = UNSET,
        request_read_receipt: bool | UnsetType = UNSET,
        request_delivery_receipt: bool | UnsetType = UNSET,
        idempotency_key: str | None = None,
    ) -> structs.MailId:
        """Send a mail at a time."""
        return self._json(
            Call(
                method="POST",
                path="/api/v1/mails/send/schedule",
                body={
                    "from": from_,
                    "to": to,
                    "cc": cc,
                    "bcc": bcc,
                    "replyTo": reply_to,
                    "subject": subject,
                    "bodyText": body_text,
                    "bodyHtml": body_html,
                    "importance": importance,
                    "refwType": refw_type,
                    "refwMailId": refw_mail_id,
                    "temporaryAttachments": temporary_attachments,
                    "requestReadReceipt": request_read_receipt,
                    "requestDeliveryReceipt": request_delivery_receipt,
                    "deliveryTime": delivery_time,
                },
                idempotency_key=idempotency_key,
                is_keyed=True,
            ),
            structs.MailId,
        )

    def cancel_schedule(self, mail_id: str, *, idempotency_key: str | None = None) -> structs.MailId:
        """Do not send a scheduled mail."""
        return self._json(
            Call(
                method="DELETE",
                path=fill("/api/v1/mails/send/schedule/{}", mail_id),
                idempotency_key=idempotency_key,
                is_keyed=True,
            ),
            structs.MailId,
        )

    def undo_send(
        self, *, processing_id: int, mail_id: str | UnsetType = UNSET, idempotency_key: str | None = None
    ) -> structs.MailId:
        """Take back a mail that was sent."""
        return self._json(
            Call(
                method="POST",
                path="/api/v1/mails/send/undo",
                body={"processingId": processing_id, "mailId": mail_id},
                idempotency_key=idempotency_key,
                is_keyed=True,
            ),
            structs.MailId,
        )

    def delete_mail(
        self, mail_id: str, *, permanent: bool | UnsetType = UNSET, idempotency_key: str | None = None
    ) -> None:
        """Delete a mail."""
        self._bytes(
            Call(
                method="DELETE",
                path=fill("/api/v1/mails/{}", mail_id),
                query={"permanent": permanent},
                idempotency_key=idempotency_key,
                is_keyed=True,
            )
        )

    def get_mail(self, mail_id: str) -> structs.Mail:
        """Get a mail."""
        return self._json(Call(method="GET", path=fill("/api/v1/mails/{}", mail_id)), structs.Mail)

    def set_mail_flags(
        self,
        mail_id: str,
        *,
        is_unread: bool | UnsetType = UNSET,
        is_flagged: bool | UnsetType = UNSET,
        idempotency_key: str | None = None,
    ) -> structs.Mail:
        """Set flags."""
        return self._json(
            Call(
                method="PATCH",
                path=fill("/api/v1/mails/{}", mail_id),
                body={"isUnread": is_unread, "isFlagged": is_flagged},
                idempotency_key=idempotency_key,
                is_keyed=True,
            ),
            structs.Mail,
        )

    def archive_mail(self, mail_id: str, *, idempotency_key: str | None = None) -> structs.Mail:
        """Archive a mail."""
        return self._json(
            Call(
                method="POST",
                path=fill("/api/v1/mails/{}/archive", mail_id),
                idempotency_key=idempotency_key,
                is_keyed=True,
            ),
            structs.Mail,
        )

    def list_attachments(self, mail_id: str) -> structs.AttachmentList:
        """List the attachments."""
        return self._json(
            Call(method="GET", path=fill("/api/v1/mails/{}/attachments", mail_id)), structs.AttachmentList
        )

    def download_attachments(self, mail_id: str) -> Download:
        """Download all attachments."""
        return self._open(Call(method="GET", path=fill("/api/v1/mails/{}/attachments/download", mail_id)))

    def get_attachment(self, mail_id: str, attachment_id: str) -> Download:
        """Get an attachment."""
        return self._open(
            Call(method="GET", path=fill("/api/v1/mails/{}/attachments/{}", mail_id, attachment_id))
        )

    def download_attachment(self, mail_id: str, attachment_id: str) -> Download:
        """Download an attachment."""
        return self._open(
            Call(method="GET", path=fill("/api/v1/mails/{}/attachments/{}/download", mail_id, attachment_id))
        )

    def get_attached_mail(self, mail_id: str, attachment_id: str) -> structs.Mail:
        """Get an attached mail."""
        return self._json(
            Call(method="GET", path=fill("/api/v1/mails/{}/attachments/{}/eml", mail_id, attachment_id)),
            structs.Mail,
        )

    def get_attached_mail_attachment(
        self, mail_id: str, attachment_id: str, inner_attachment_id: str
    ) -> Download:
        """Get an attachment of an attached mail."""
        return self._open(
            Call(
                method="GET",
                path=fill(
                    "/api/v1/mails/{}/attachments/{}/eml/attachments/{}",
                    mail_id,
                    attachment_id,
                    inner_attachment_id,
                ),
            )
        )

    def get_thumbnail(
        self,
        mail_id: str,
        attachment_id: str,
        *,
        width: int | UnsetType = UNSET,
        height: int | UnsetType = UNSET,
    ) -> Download:
        """Get a thumbnail."""
        return self._open(
            Call(
                method="GET",
                path=fill("/api/v1/mails/{}/attachments/{}/thumbnail", mail_id, attachment_id),
                query={"width": width, "height": height},
            )
        )

    def get_body(
        self,
        mail_id: str,
        *,
        type: Literal["html", "text"] | UnsetType = UNSET,
        show_external_images: bool | UnsetType = UNSET,
    ) -> structs.Body:
        """Get the body."""
        return self._json(
            Call(
                method="GET",
                path=fill("/api/v1/mails/{}/body", mail_id),
                query={"type": type, "showExternalImages": show_external_images},
            ),
            structs.Body,
        )

    def download_body(
        self,
        mail_id: str,
        *,
        type: Literal["html", "text"] | UnsetType = UNSET,
        show_external_images: bool | UnsetType = UNSET,
    ) -> Download:
        """Download the body."""
        return self._open(
            Call(
                method="GET",
                path=fill("/api/v1/mails/{}/body/full", mail_id),
                query={"type": type, "showExternalImages": show_external_images},
            )
        )

    def get_mail_conversation(self, mail_id: str) -> structs.Conversation:
        """Get the conversation of a mail."""
        return self._json(
            Call(method="GET", path=fill("/api/v1/mails/{}/conversation", mail_id)), structs.Conversation
        )

    def copy_mail(
        self,
        mail_id: str,
        *,
        destination_folder_id: str | UnsetType = UNSET,
        idempotency_key: str | None = None,
    ) -> structs.Mail:
        """Copy a mail."""
        return self._json(
            Call(
                method="POST",
                path=fill("/api/v1/mails/{}/copy", mail_id),
                body={"destinationFolderId": destination_folder_id},
                idempotency_key=idempotency_key,
                is_keyed=True,
            ),
            structs.Mail,
        )

    def get_headers(self, mail_id: str) -> Download:
        """Get the raw headers."""
        return self._open(Call(method="GET", path=fill("/api/v1/mails/{}/headers", mail_id)))

    def add_label(self, mail_id: str, *, label_id: str, idempotency_key: str | None = None) -> None:
        """Put a label on a mail."""
        self._bytes(
            Call(
                method="POST",
                path=fill("/api/v1/mails/{}/labels", mail_id),
                body={"labelId": label_id},
                idempotency_key=idempotency_key,
                is_keyed=True,
            )
        )

    def remove_label(self, mail_id: str, label_id: str, *, idempotency_key: str | None = None) -> None:
        """Take a label off a mail."""
        self._bytes(
            Call(
                method="DELETE",
                path=fill("/api/v1/mails/{}/labels/{}", mail_id, label_id),
                idempotency_key=idempotency_key,
                is_keyed=True,
            )
        )

    def move_mail(
        self, mail_id: str, *, destination_folder_id: str, idempotency_key: str | None = None
    ) -> structs.Mail:
        """Move a mail."""
        return self._json(
            Call(
                method="POST",
                path=fill("/api/v1/mails/{}/move", mail_id),
                body={"destinationFolderId": destination_folder_id},
                idempotency_key=idempotency_key,
                is_keyed=True,
            ),
            structs.Mail,
        )

    def mark_not_spam(
        self,
        mail_id: str,
        *,
        destination_folder_id: str | UnsetType = UNSET,
        idempotency_key: str | None = None,
    ) -> structs.Mail:
        """Move a mail out of Spam."""
        return self._json(
            Call(
                method="POST",
                path=fill("/api/v1/mails/{}/notspam", mail_id),
                body={"destinationFolderId": destination_folder_id},
                idempotency_key=idempotency_key,
                is_keyed=True,
            ),
            structs.Mail,
        )

    def get_parts(self, mail_id: str) -> structs.Part:
        """Get the part tree."""
        return self._json(Call(method="GET", path=fill("/api/v1/mails/{}/parts", mail_id)), structs.Part)

    def query_part_data(
        self,
        mail_id: str,
        *,
        part_ids: list[int] | UnsetType = UNSET,
        convert_to: Literal["html", "original", "text"] | UnsetType = UNSET,
        show_external_images: bool | UnsetType = UNSET,
    ) -> structs.PartDataList:
        """Get decoded parts."""
        return self._json(
            Call(
                method="POST",
                path=fill("/api/v1/mails/{}/parts/details", mail_id),
                body={
                    "partIds": part_ids,
                    "convertTo": convert_to,
                    "showExternalImages": show_external_images,
                },
            ),
            structs.PartDataList,
        )

    def download_part(self, mail_id: str, part_id: str) -> Download:
        """Download a part."""
        return self._open(
            Call(method="GET", path=fill("/api/v1/mails/{}/parts/{}/details/full", mail_id, part_id))
        )

    def get_source(self, mail_id: str) -> Download:
        """Get the raw message."""
        return self._open(Call(method="GET", path=fill("/api/v1/mails/{}/source", mail_id)))

    def download_source(self, mail_id: str) -> Download:
        """Download the raw message."""
        return self._open(Call(method="GET", path=fill("/api/v1/mails/{}/source/download", mail_id)))

    def mark_spam(self, mail_id: str, *, idempotency_key: str | None = None) -> structs.Mail:
        """Move a mail to Spam."""
        return self._json(
            Call(
                method="POST",
                path=fill("/api/v1/mails/{}/spam", mail_id),
                idempotency_key=idempotency_key,
                is_keyed=True,
            ),
            structs.Mail,
        )

    def list_operations(
        self,
        *,
        kind: str | UnsetType = UNSET,
        folder_id: str | UnsetType = UNSET,
        start: int | UnsetType = UNSET,
        limit: int | UnsetType = UNSET,
    ) -> structs.OperationList:
        """List what was done."""
        return self._json(
            Call(
                method="GET",
                path="/api/v1/operations",
                query={"kind": kind, "folderId": folder_id, "start": start, "limit": limit},
            ),
            structs.OperationList,
        )

    def iter_operations_pages(
        self,
        *,
        kind: str | UnsetType = UNSET,
        folder_id: str | UnsetType = UNSET,
        limit: int | UnsetType = UNSET,
    ) -> Iterator[structs.OperationList]:
        """List what was done, page by page until the end."""
        start = 0
        while True:
            page = self.list_operations(kind=kind, folder_id=folder_id, limit=limit, start=start)
            yield page
            start += len(page.items)
            if not page.items or start >= page.total_items:
                return

    def undo_operation(
        self, operation_id: str, *, idempotency_key: str | None = None
    ) -> structs.BatchResult | None:
        """Take an operation back."""
        return self._json_or_none(
            Call(
                method="POST",
                path=fill("/api/v1/operations/{}/undo", operation_id),
                idempotency_key=idempotency_key,
                is_keyed=True,
            ),
            structs.BatchResult,
        )

    def list_recovery_methods(self, *, username: str) -> structs.WayList:
        """List the ways to recover a password."""
        return self._json(
            Call(method="GET", path="/api/v1/recover/password/methods", query={"username": username}),
            structs.WayList,
        )

    def recover_password(
        self,
        *,
        recovery_token: str,
        new_password: str,
        username: str | None | UnsetType = UNSET,
        user_name: str | None | UnsetType = UNSET,
    ) -> None:
        """Set a new password with a token."""
        self._bytes(
            Call(
                method="POST",
                path="/api/v1/recover/password/reset",
                body={
                    "recoveryToken": recovery_token,
                    "newPassword": new_password,
                    "username": username,
                    "userName": user_name,
                },
            )
        )

    def send_recovery_token(
        self,
        *,
        username: str,
        email: str | None | UnsetType = UNSET,
        phone_number: str | None | UnsetType = UNSET,
    ) -> None:
        """Send a token to recover a password."""
        self._bytes(
            Call(
                method="POST",
                path="/api/v1/recover/password/sendtoken",
                body={"username": username, "email": email, "phoneNumber": phone_number},
            )
        )

    def validate_recovery_token(self, *, username: str, recovery_token: str) -> structs.ValidatedToken:
        """Check a token to recover a password."""
        return self._json(
            Call(
                method="POST",
                path="/api/v1/recover/password/validatetoken",
                body={"username": username, "recoveryToken": recovery_token},
            ),
            structs.ValidatedToken,
        )

    def recover_username(
        self, *, email: str | None | UnsetType = UNSET, phone_number: str | None | UnsetType = UNSET
    ) -> None:
        """Send the names of accounts."""
        self._bytes(
            Call(
                method="POST",
                path="/api/v1/recover/username",
                body={"email": email, "phoneNumber": phone_number},
            )
        )

    def upload_temporary_attachments(
        self, *, files: Sequence[File], idempotency_key: str | None = None
    ) -> structs.TemporaryAttachmentList:
        """Upload files."""
        return self._json(
            Call(
                method="POST",
                path="/api/v1/temporaryAttachments",
                files=tuple(files),
                idempotency_key=idempotency_key,
                is_keyed=True,
            ),
            structs.TemporaryAttachmentList,
        )

    def store_temporary_attachments(
        self, *, mail_id: str, idempotency_key: str | None = None
    ) -> structs.AttachmentList:
        """Take the attachments of a mail."""
        return self._json(
            Call(
                method="POST",
                path="/api/v1/temporaryAttachments/store",
                body={"mailId": mail_id},
                idempotency_key=idempotency_key,
                is_keyed=True,
            ),
            structs.AttachmentList,
        )

    def delete_temporary_attachment(
        self, temporary_attachment_id: str, *, idempotency_key: str | None = None
    ) -> None:
        """Remove a temporary attachment."""
        self._bytes(
            Call(
                method="DELETE",
                path=fill("/api/v1/temporaryAttachments/{}", temporary_attachment_id),
                idempotency_key=idempotency_key,
                is_keyed=True,
            )
        )

    def get_temporary_attachment(self, temporary_attachment_id: str) -> Download:
        """Get a temporary attachment."""
        return self._open(
            Call(method="GET", path=fill("/api/v1/temporaryAttachments/{}", temporary_attachment_id))
        )

    def undo(self, *, idempotency_key: str | None = None) -> structs.BatchResult | None:
        """Undo."""
        return self._json_or_none(
            Call(method="POST", path="/api/v1/undo", idempotency_key=idempotency_key, is_keyed=True),
            structs.BatchResult,
        )
