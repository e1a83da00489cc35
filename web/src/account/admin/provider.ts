/** What has to be entered for each identity provider, in the order in which a form asks for it. */
import { m } from '../../base/i18n';

export interface ProviderField {
  name: 'clientId' | 'clientSecret' | 'tenant' | 'teamId' | 'keyId' | 'issuer' | 'name' | 'url';
  label: () => string;
  hint?: () => string;
  optional?: boolean;
  /** Of several lines. */
  long?: boolean;
}

export type ProviderDraft = Partial<Record<ProviderField['name'], string>>;

const clientId: ProviderField = { name: 'clientId', label: m.account_provider_client_id };
const clientSecret: ProviderField = { name: 'clientSecret', label: m.account_provider_secret };
const place = (hint: () => string): ProviderField => ({
  name: 'url',
  label: m.account_provider_url,
  hint,
  optional: true,
});

const FIELDS: Record<string, readonly ProviderField[]> = {
  google: [clientId, clientSecret],
  github: [clientId, clientSecret, place(m.account_provider_url_github)],
  microsoft: [
    { name: 'tenant', label: m.account_provider_tenant, hint: m.account_provider_tenant_hint, optional: true },
    clientId,
    clientSecret,
    place(m.account_provider_url_microsoft),
  ],
  apple: [
    { ...clientId, hint: m.account_provider_client_id_apple },
    { name: 'teamId', label: m.account_provider_team },
    { name: 'keyId', label: m.account_provider_key },
    { ...clientSecret, label: m.account_provider_secret_apple, hint: m.account_provider_secret_apple_hint, long: true },
  ],
  oidc: [
    { name: 'issuer', label: m.account_provider_issuer, hint: m.account_provider_issuer_hint },
    clientId,
    clientSecret,
    { name: 'name', label: m.account_provider_name, hint: m.account_provider_name_hint, optional: true },
  ],
};

export function fieldsOf(provider: string): readonly ProviderField[] {
  return FIELDS[provider] ?? [clientId, clientSecret];
}

/** What may not stay empty; a secret that was entered before may: it is kept. */
export function missing(fields: readonly ProviderField[], draft: ProviderDraft, entered: boolean): string[] {
  return fields
    .filter(({ name, optional }) => !optional && !draft[name]?.trim() && !(entered && name === 'clientSecret'))
    .map(({ name }) => name);
}

/** A form begins with what is known; never with a secret. */
export function draftOf({
  clientId,
  extra,
}: {
  clientId: string;
  extra: Readonly<Record<string, string>>;
}): ProviderDraft {
  return { ...extra, clientId, clientSecret: '' };
}
