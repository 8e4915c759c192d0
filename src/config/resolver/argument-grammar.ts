import { DrayError } from '../../lib/errors.ts'
import { type Digest, isDigest, parseDigest } from '../../oci/digest.ts'
import {
  checkPath,
  isTag,
  layoutRegistry,
  parseReference,
  parseTag,
  type Reference,
  refuseScheme,
} from '../../oci/reference.ts'
import { environmentName } from '../config.ts'

export interface TagAndDigest {
  readonly tag?: string
  readonly digest?: Digest
}

interface OptionalTagAndDigest {
  readonly tag?: string | undefined
  readonly digest?: Digest | undefined
}

/** An argument that names images or an environment, by its form alone: `dray.yaml` is not read. */
export type Argument =
  /** `registry.example.com/team/api:1.4.2` */
  | { readonly kind: 'reference'; readonly reference: Reference }
  /** `@staging` */
  | { readonly kind: 'environment'; readonly environment: string }
  /** `@staging/api:1.4.2` */
  | ({ readonly kind: 'image'; readonly environment: string; readonly image: string } & TagAndDigest)
  /** `api:1.4.2`: what it means depends on `dray.yaml` */
  | { readonly kind: 'bareName'; readonly text: string }
  /** `oci:./dir:1.4.2`, an OCI image layout */
  | ({ readonly kind: 'layout'; readonly folder: string } & TagAndDigest)

const maxLength = 4096

/**
 * Parses an argument. `oci:` and `@` are checked first: an image that is called `oci` is written as
 * a complete reference.
 * @throws `malformed`; `unsupported` for a digest algorithm other than sha256 and sha512.
 */
export function parseArgument(text: string): Argument {
  if (text === '') throw malformed(text, 'it is empty')
  if (text.length > maxLength) throw malformed(text, 'it is too long')
  refuseScheme(text)
  if (text.startsWith(layoutRegistry)) return parseLayout(text)
  if (text.startsWith('@')) return parseInEnvironment(text)
  if (startsWithRegistry(text)) return { kind: 'reference', reference: parseReference(text) }
  return { kind: 'bareName', text }
}

/** `:tag@digest`, each if it is there. */
export function formatTagAndDigest({ tag, digest }: OptionalTagAndDigest): string {
  return `${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`
}

/** The name of an environment as an option gives it: with `@`, as in an argument, or without. */
export function parseEnvironmentOption(text: string): string {
  return text.replace(/^@/, '')
}

/**
 * Whether the meaning of an argument depends on `dray.yaml`: it names neither a registry nor an
 * environment.
 */
export function isBareName(text: string): boolean {
  return !/^(?:@|oci:)/.test(text) && !startsWithRegistry(text)
}

/**
 * Parses `name[:tag][@digest]`. The name can have several components but no registry.
 * @param whole the argument that it is a part of, for errors
 * @throws `malformed`, `unsupported`.
 */
export function parseImage(text: string, whole: string): { readonly image: string } & TagAndDigest {
  const at = text.indexOf('@')
  const digest = at < 0 ? undefined : parseDigest(text.slice(at + 1))
  const [image = '', ...more] = (at < 0 ? text : text.slice(0, at)).split(':')
  if (image === '') throw malformed(whole, 'the name of the image is missing')
  checkPath(image, whole)
  const tag = more.length === 0 ? undefined : parseTag(more.join(':'))
  return { image, ...tagAndDigest({ tag, digest }) }
}

/**
 * Whether the first component is a host: it has a dot or a port, or is `localhost`
 * (distribution/reference, normalize.go).
 */
export function startsWithRegistry(text: string): boolean {
  const slash = text.indexOf('/')
  const first = text.slice(0, Math.max(slash, 0))
  return first === 'localhost' || /[.:[]/.test(first)
}

function parseInEnvironment(text: string): Argument {
  const slash = text.indexOf('/')
  const environment = text.slice(1, slash < 0 ? undefined : slash)
  if (!environmentName.test(environment)) {
    throw malformed(text, `${quote(environment)} is not the name of an environment`)
  }
  if (slash < 0) return { kind: 'environment', environment }
  return { kind: 'image', environment, ...parseImage(text.slice(slash + 1), text) }
}

/** Folders can contain `@` and `:`. The text after the last colon is a tag if it has no slash. */
function parseLayout(text: string): Argument {
  let folder = text.slice(layoutRegistry.length)
  let digest: Digest | undefined
  const at = folder.lastIndexOf('@')
  const afterAt = folder.slice(at + 1)
  if (at >= 0 && isDigest(afterAt)) {
    digest = afterAt
    folder = folder.slice(0, at)
  }
  let tag: string | undefined
  const colon = folder.lastIndexOf(':')
  if (colon >= 0 && !/[/\\]/.test(folder.slice(colon))) {
    tag = folder.slice(colon + 1)
    folder = folder.slice(0, colon)
    // A folder with a colon in its last component is written with a slash at its end.
    if (!isTag(tag)) throw malformed(text, `${quote(tag)} after the last colon is not a tag`)
  }
  if (folder === '' || folder.includes('\0')) throw malformed(text, 'the folder is missing')
  return { kind: 'layout', folder, ...tagAndDigest({ tag, digest }) }
}

/** Omits what is undefined. */
export function tagAndDigest({ tag, digest }: OptionalTagAndDigest): TagAndDigest {
  return { ...(tag !== undefined && { tag }), ...(digest !== undefined && { digest }) }
}

function malformed(text: string, why: string): DrayError {
  return new DrayError('malformed', `${quote(text.slice(0, 200))} is not a reference: ${why}`, {
    hint: 'References look like registry.example.com/team/api:1.4.2, @staging/api:1.4.2, @staging or oci:./dir:1.4.2.',
  })
}

function quote(text: string): string {
  return JSON.stringify(text)
}
