import { DrayError } from '../../../lib/errors.ts'
import { isRecord, parseJson } from '../../../oci/json.ts'
import { bareMediaType } from '../../../oci/media-types.ts'
import { decodeBase64 } from '../../../signing/base64.ts'
import type { EventRequest } from '../registry-event.ts'
import { type EventFields, listOf } from './event-fields.ts'

const what = 'the CloudEvent'
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** A CloudEvent of any content mode. */
export interface CloudMessage {
  readonly type: string
  readonly id: string
  readonly subject?: string
  /** JSON; undefined if there is none, or if it has another type */
  readonly data: unknown
}

/**
 * Reads the CloudEvents of a request in structured, batched or binary mode (CloudEvents 1.0.2, HTTP
 * Protocol Binding, section 3; JSON Event Format). @throws `malformed`.
 */
export function cloudMessages(request: EventRequest): readonly CloudMessage[] {
  const contentType = bareMediaType(request.headers.get('content-type') ?? '')
  switch (contentType) {
    case 'application/cloudevents+json':
      return [structured(parseJson(request.body, what))]
    case 'application/cloudevents-batch+json':
      return listOf(parseJson(request.body, what), 'the batch of CloudEvents').map(structured)
    default:
      if (isWholeInBody(contentType))
        throw new DrayError('malformed', `${what} is in a format other than JSON`)
      return [binary(request, contentType)]
  }
}

/** Whether a request has its CloudEvents in the body: in structured or batched mode. */
export function isWholeInBody(contentType: string): boolean {
  return bareMediaType(contentType).startsWith('application/cloudevents')
}

function structured(value: unknown): CloudMessage {
  if (!isRecord(value)) throw new DrayError('malformed', `${what} is not an object`)
  const { data, data_base64: encoded, datacontenttype } = value
  const attributes = { ...checkedAttributes((name) => value[name]) }
  if (encoded === undefined) return { ...attributes, data }
  const bytes = typeof encoded === 'string' ? decodeBase64(encoded) : undefined
  if (bytes === undefined) throw new DrayError('malformed', `"data_base64" of ${what} is not base64`)
  const isText = typeof datacontenttype === 'string' && isJson(bareMediaType(datacontenttype))
  return { ...attributes, data: isText ? parseJson(bytes, `the data of ${what}`) : undefined }
}

function binary({ headers, body }: EventRequest, contentType: string): CloudMessage {
  const attributes = checkedAttributes((name) => {
    const value = headers.get(`ce-${name}`)
    return value === undefined ? undefined : decodeHeader(value)
  })
  const hasData = isJson(contentType) && body.byteLength > 0
  return { ...attributes, data: hasData ? parseJson(body, `the data of ${what}`) : undefined }
}

/** Checks the required attributes (CloudEvents 1.0.2, Required Attributes). */
function checkedAttributes(read: (name: string) => unknown): Omit<CloudMessage, 'data'> {
  if (read('specversion') !== '1.0') throw new DrayError('malformed', `${what} is not of version 1.0`)
  const text = (name: string): string => {
    const value = read(name)
    if (typeof value === 'string' && value !== '') return value
    throw new DrayError('malformed', `"${name}" of ${what} is missing or empty`)
  }
  text('source')
  const subject = read('subject')
  return { type: text('type'), id: text('id'), ...(typeof subject === 'string' && { subject }) }
}

function isJson(mediaType: string): boolean {
  return mediaType === 'application/json' || mediaType.endsWith('+json')
}

/**
 * Decodes the value of a header: a quoted string of older senders, then percent-encoding (HTTP
 * Protocol Binding, section 3.1.3.2). @throws `malformed` for bytes that are not UTF-8.
 */
function decodeHeader(value: string): string {
  const [, quoted] = /^"((?:[^"\\]|\\.)*)"$/s.exec(value) ?? []
  const text = quoted === undefined ? value : quoted.replaceAll(/\\(.)/gs, '$1')
  const bytes = Buffer.from(text, 'latin1').toString('latin1')
  const decoded = bytes.replaceAll(/%([0-9A-Fa-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  )
  try {
    return utf8.decode(Buffer.from(decoded, 'latin1'))
  } catch (cause) {
    throw new DrayError('malformed', `a header of ${what} is not UTF-8`, { cause })
  }
}

/** Returns the data of a message as an object; an empty one if it is not. */
export function dataOf({ data }: CloudMessage): EventFields {
  return isRecord(data) ? data : {}
}
