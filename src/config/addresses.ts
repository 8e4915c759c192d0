import { DrayError } from '../lib/errors.ts'
import { type Digest, isDigest, parseDigest } from '../oci/digest.ts'
import {
  checkPath,
  formatReference,
  isTag,
  parseReference,
  parseTag,
  type Reference,
} from '../oci/reference.ts'
import { environmentName } from './config.ts'

interface At {
  readonly tag?: string
  readonly digest?: Digest
}

/** What a person may name an image, a repository or an environment by, wherever a command takes one. */
export type Address =
  /** `registry.example.com/team/api:1.4.2` */
  | { readonly kind: 'reference'; readonly reference: Reference }
  /** `@staging` */
  | { readonly kind: 'environment'; readonly environment: string }
  /** `@staging/api:1.4.2`, or `api:1.4.2` where the environment is given beside it */
  | ({ readonly kind: 'image'; readonly environment: string; readonly image: string } & At)
  /** `oci:./dir:1.4.2`, an OCI image layout */
  | ({ readonly kind: 'layout'; readonly folder: string } & At)

const layoutPrefix = 'oci:'
const maxLength = 4096

/**
 * Parses an address. `oci:` and `@` are looked at first: an image that is called `oci` is written as a whole reference.
 * @param environment that of `--from`, say: with it, a name without a registry is an image of that environment
 * @throws `malformed`; `unsupported` for a digest algorithm other than sha256 and sha512.
 */
export function parseAddress(text: string, environment?: string): Address {
  if (text === '') throw malformed(text, 'it is empty')
  if (text.length > maxLength) throw malformed(text, 'it is too long')
  if (text.startsWith(layoutPrefix)) return parseLayout(text)
  if (text.startsWith('@')) return parseInEnvironment(text)
  if (environment === undefined || startsWithRegistry(text)) {
    return { kind: 'reference', reference: parseReference(text) }
  }
  return { kind: 'image', environment, ...parseImage(text, text) }
}

/** The whole form: it reads back the same, without an environment beside it. */
export function formatAddress(address: Address): string {
  switch (address.kind) {
    case 'reference':
      return formatReference(address.reference)
    case 'environment':
      return `@${address.environment}`
    case 'image':
      return `@${address.environment}/${address.image}${formatAt(address)}`
    case 'layout':
      return `${layoutPrefix}${address.folder}${formatAt(address)}`
  }
}

function formatAt({ tag, digest }: At): string {
  return `${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`
}

function parseInEnvironment(text: string): Address {
  const slash = text.indexOf('/')
  const environment = text.slice(1, slash < 0 ? undefined : slash)
  if (!environmentName.test(environment)) {
    throw malformed(text, `${quote(environment)} is not the name of an environment`)
  }
  if (slash < 0) return { kind: 'environment', environment }
  return { kind: 'image', environment, ...parseImage(text.slice(slash + 1), text) }
}

/** `name[:tag][@digest]`, where the name may have several components but no registry. */
function parseImage(text: string, whole: string): { readonly image: string } & At {
  const { rest, digest } = splitDigest(text)
  const colon = rest.indexOf(':')
  const image = colon < 0 ? rest : rest.slice(0, colon)
  if (image === '') throw malformed(whole, 'it has no name of an image')
  checkPath(image, whole)
  const tag = colon < 0 ? undefined : parseTag(rest.slice(colon + 1))
  return { image, ...(tag !== undefined && { tag }), ...(digest !== undefined && { digest }) }
}

function splitDigest(text: string): { rest: string; digest?: Digest } {
  const at = text.indexOf('@')
  return at < 0 ? { rest: text } : { rest: text.slice(0, at), digest: parseDigest(text.slice(at + 1)) }
}

/** Folders may have `@` and `:` in them: a tag is what follows the last colon, if no slash does. */
function parseLayout(text: string): Address {
  let folder = text.slice(layoutPrefix.length)
  let digest: Digest | undefined
  const at = folder.lastIndexOf('@')
  const behind = folder.slice(at + 1)
  if (at >= 0 && isDigest(behind)) {
    digest = behind
    folder = folder.slice(0, at)
  }
  let tag: string | undefined
  const colon = folder.lastIndexOf(':')
  if (colon >= 0 && !/[/\\]/.test(folder.slice(colon))) {
    tag = folder.slice(colon + 1)
    folder = folder.slice(0, colon)
    // a folder with a colon in its last component is written with a slash behind it
    if (!isTag(tag)) throw malformed(text, `${quote(tag)} behind the last colon is not a tag`)
  }
  if (folder === '' || folder.includes('\0')) throw malformed(text, 'it names no folder')
  return {
    kind: 'layout',
    folder,
    ...(tag !== undefined && { tag }),
    ...(digest !== undefined && { digest }),
  }
}

/** Whether the first component is a host: it has a dot or a port, or is `localhost` (distribution/reference, normalize.go). */
export function startsWithRegistry(text: string): boolean {
  const slash = text.indexOf('/')
  const first = text.slice(0, Math.max(slash, 0))
  return first === 'localhost' || /[.:[]/.test(first)
}

function malformed(text: string, why: string): DrayError {
  return new DrayError('malformed', `${quote(text.slice(0, 200))} is not an address: ${why}`, {
    hint: 'Addresses look like registry.example.com/team/api:1.4.2, @staging/api:1.4.2, @staging or oci:./dir:1.4.2.',
  })
}

function quote(text: string): string {
  return JSON.stringify(text)
}
