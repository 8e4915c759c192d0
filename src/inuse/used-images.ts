import { DrayError, isDrayError } from '../errors.ts'
import { defaultTag, parseReference, type Reference } from '../oci/reference.ts'

/** An image that something runs, and what says so. */
export interface UsedReference {
  /** with its defaults (`nginx` is `docker.io/library/nginx:latest`): a tag, a digest, or both */
  readonly reference: Reference
  /** where it stands: `gitops/prod/api.yaml: spec.template.spec.containers[0].image` */
  readonly by: string
}

/** Text that names an image, and where it stands. */
export interface WrittenImage {
  readonly text: string
  readonly by: string
}

/** How the ID of an image's config is written: it is the digest of no manifest. */
const configId = /^sha256:[0-9a-f]{64}$/

export function isConfigId(text: string): boolean {
  return configId.test(text)
}

/** Whether a text holds what only another program can fill in: a template, a variable, or what is encrypted. */
function isUnfilled(text: string): boolean {
  return text.includes('{{') || /\$[\w{(]/.test(text) || text.startsWith('ENC[')
}

/**
 * Reads a text where an image must stand.
 * @throws `malformed` for what is no reference; `refused` for what cannot be known from here: a template, a variable, what is encrypted, the ID of a config.
 */
export function usedReference({ text, by }: WrittenImage): UsedReference {
  const unknown = whyUnknown(text)
  if (unknown !== undefined) {
    throw new DrayError('refused', `${by}: which image runs cannot be known from ${quote(text)}`, {
      subject: by,
      ...unknown,
    })
  }
  try {
    return { reference: withDefaultTag(parseReference(text)), by }
  } catch (cause) {
    if (!isDrayError(cause)) throw cause
    throw new DrayError('malformed', `${by}: an image should stand here`, {
      subject: by,
      why: text === '' ? 'it is empty' : cause.message,
      hint: 'Correct it, or leave this file out: nothing is deleted while an image in use is not known.',
      cause,
    })
  }
}

/** Reads a text that may be something else than an image; undefined where it is. @throws `refused` where it may be one, and cannot be known. */
export function perhapsUsed(written: WrittenImage): UsedReference | undefined {
  if (isConfigId(written.text)) return undefined
  if (isUnfilled(written.text)) return usedReference(written)
  return ifReference(written)
}

/** Undefined for whatever is no reference. */
export function ifReference({ text, by }: WrittenImage): UsedReference | undefined {
  if (isConfigId(text)) return undefined
  try {
    return { reference: withDefaultTag(parseReference(text)), by }
  } catch (thrown) {
    if (isDrayError(thrown)) return undefined
    throw thrown
  }
}

function withDefaultTag(reference: Reference): Reference {
  return reference.tag === undefined && reference.digest === undefined
    ? { ...reference, tag: defaultTag }
    : reference
}

function whyUnknown(text: string): { readonly why: string; readonly hint: string } | undefined {
  if (text.includes('{{')) {
    return { why: 'it is a template', hint: templateHint }
  }
  if (text.startsWith('ENC[')) {
    return {
      why: 'it is encrypted',
      hint: 'Give what runs as a list: `dray prune --in-use FILE`, or decrypt the file first.',
    }
  }
  const variable = /\$\{?(\w+)/.exec(text)?.[1] ?? (/\$\(/.test(text) ? 'one' : undefined)
  if (variable !== undefined) {
    return {
      why: `the variable ${variable} has its value elsewhere`,
      hint: 'Give what runs as a list: `dray prune --in-use FILE`, made by the tool that fills variables in.',
    }
  }
  if (isConfigId(text)) {
    return {
      why: 'it is the ID of a config, not the digest of a manifest',
      hint: 'Name the image by its repository and tag or digest.',
    }
  }
  return undefined
}

export const templateHint =
  'Fill the template in first: `helm template … | dray prune --in-use -`, and leave its files out of `files`.'

function quote(text: string): string {
  return JSON.stringify(text.slice(0, 200))
}
