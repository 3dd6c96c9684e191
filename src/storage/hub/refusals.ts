import { nearest } from '../../lib/format.ts';
import { CATALOGUE } from '../../model/weights/catalogue.ts';

/** The hub's word for a branch, tag or commit that is not there. */
export const REVISION_NOT_FOUND = 'RevisionNotFound';

/** What was asked for. */
export interface Asked {
  readonly endpoint: string;
  readonly repo: string;
  readonly revision: string;
  /** Null: the repository itself. */
  readonly path: string | null;
  /** A token was sent. */
  readonly token: boolean;
}

/** Why a hub refuses, in one sentence with what to do; null for faults that may pass. */
export function refusalOf(
  response: Pick<Response, 'status' | 'headers'>,
  asked: Asked,
): string | null {
  const { status } = response;
  if (status === 408 || status === 425 || status === 429 || status >= 500) return null;
  const { endpoint, repo, revision, path, token } = asked;
  const host = new URL(endpoint).host;
  const code = response.headers.get('x-error-code');
  const gated = code === 'GatedRepo' || status === 403;
  if (gated && token)
    return (
      `${host} refuses ${repo} (${status}): accept its licence at ${endpoint}/${repo} ` +
      'with the account that HF_TOKEN belongs to.'
    );
  if (gated)
    return (
      `${host} refuses ${repo} (${status}): its licence has to be accepted at ` +
      `${endpoint}/${repo}, and the command line then needs HF_TOKEN; or give a local ` +
      'folder.'
    );
  if (code === REVISION_NOT_FOUND) return `${repo} has no revision ${revision} at ${host}.`;
  if (status === 404 && path !== null)
    return `${host} has no file ${path} in ${repo} at ${revision} (404).`;
  // The hub does not tell strangers whether a name is free or private.
  if (status === 404 || status === 401)
    return `${host} shows no model ${repo} (${status}): ${advice(repo, token)}`;
  return (
    `${host} answers ${status} for ${repo}${path === null ? '' : `/${path}`}; check the ` +
    'address and try again later.'
  );
}

function advice(repo: string, token: boolean): string {
  const known = nearest(
    repo,
    CATALOGUE.map((offer) => offer.repo),
  );
  if (known !== null && known !== repo) return `did you mean ${known}?`;
  return token
    ? 'check the name, and whether the account of HF_TOKEN may see it.'
    : 'check the name; a private or gated one needs HF_TOKEN on the command line.';
}
