import { isMap, textOf } from '../documents.ts'

const topLevelKeys: ReadonlySet<string> = new Set([
  'version',
  'name',
  'include',
  'services',
  'networks',
  'volumes',
  'configs',
  'secrets',
  'models',
])

/**
 * Whether a document is a Compose file: it has only keys of the Compose Specification, and the
 * images of its services are texts.
 */
export function isCompose(document: Readonly<Record<string, unknown>>): boolean {
  const { services } = document
  if (!isMap(services)) return false
  if (!Object.keys(document).every((key) => topLevelKeys.has(key) || key.startsWith('x-'))) return false
  return Object.values(services).every(
    (service) => service === null || (isMap(service) && !isMap(service['image'])),
  )
}

/** Services may run an image as a volume: `volumes: [{ type: image, source: … }]`. */
export function volumeImage(volume: Readonly<Record<string, unknown>>): string | undefined {
  return volume['type'] === 'image' ? textOf(volume['source']) : undefined
}

export type Interpolated =
  | { readonly text: string }
  /** the name of a variable without a default */
  | { readonly variable: string }

/**
 * Replaces variables by their defaults (Compose Specification, Interpolation): `${TAG:-1.2}` is
 * `1.2` in any environment. A variable without a default is unknown.
 */
export function interpolate(text: string): Interpolated {
  let done = ''
  let at = 0
  while (at < text.length) {
    const dollar = text.indexOf('$', at)
    if (dollar < 0) break
    done += text.slice(at, dollar)
    if (text[dollar + 1] === '$') {
      done += '$'
      at = dollar + 2
      continue
    }
    const variable = variableAt(text, dollar)
    if (variable === undefined) return { variable: text.slice(dollar) }
    const value = valueOf(variable)
    if ('variable' in value) return value
    done += value.text
    at = variable.end
  }
  return { text: done + text.slice(at) }
}

interface Variable {
  readonly name: string
  /** the text between the name and the brace */
  readonly how: string
  readonly end: number
}

function variableAt(text: string, dollar: number): Variable | undefined {
  const isBraced = text[dollar + 1] === '{'
  const start = dollar + (isBraced ? 2 : 1)
  const name = /^[A-Za-z_]\w*/.exec(text.slice(start))?.[0]
  if (name === undefined) return undefined
  const behind = start + name.length
  if (!isBraced) return { name, how: '', end: behind }
  const close = closingBrace(text, behind)
  return close === undefined ? undefined : { name, how: text.slice(behind, close), end: close + 1 }
}

/** Defaults may have variables in them: `${A:-${B:-x}}`. */
function closingBrace(text: string, start: number): number | undefined {
  let depth = 0
  for (let at = start; at < text.length; at++) {
    if (text.startsWith('${', at)) depth += 1
    else if (text[at] === '}' && depth-- === 0) return at
  }
  return undefined
}

function valueOf({ name, how }: Variable): Interpolated {
  const isDefault = how.startsWith(':-') || how.startsWith('-')
  return isDefault ? interpolate(how.slice(how.indexOf('-') + 1)) : { variable: name }
}
