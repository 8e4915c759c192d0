import { describe, expect, it } from 'vitest'
import { started } from '../embedded/http.ts'
import { sendRaw, statusIn } from '../support/raw-http.ts'
import { startDray } from '../support/program.ts'

const hidden = 'DELETE /v2/a/manifests/1 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'

/** Framing that a proxy could read in another way (RFC 9112, sections 6 and 11.2). */
const ambiguous: readonly (readonly [name: string, headers: string, body: string])[] = [
  ['both lengths', 'Content-Length: 4\r\nTransfer-Encoding: chunked', `0\r\n\r\n${hidden}`],
  ['both lengths in reverse order', 'Transfer-Encoding: chunked\r\nContent-Length: 4', `0\r\n\r\n${hidden}`],
  ['two different lengths', `Content-Length: 0\r\nContent-Length: ${hidden.length}`, hidden],
  ['a list of lengths', `Content-Length: 0, ${hidden.length}`, hidden],
  ['a negative length', 'Content-Length: -1', hidden],
  ['a signed length', 'Content-Length: +0', hidden],
  ['a hexadecimal length', 'Content-Length: 0x0', hidden],
  ['a length beyond 64 bits', 'Content-Length: 18446744073709551616', hidden],
  ['an unknown transfer coding', 'Transfer-Encoding: xchunked', `0\r\n\r\n${hidden}`],
  ['chunked that is not last', 'Transfer-Encoding: chunked, identity', `0\r\n\r\n${hidden}`],
  ['a space before the colon', 'Transfer-Encoding : chunked', `0\r\n\r\n${hidden}`],
  ['a folded header', 'Transfer-Encoding:\r\n chunked', `0\r\n\r\n${hidden}`],
  ['a header that ends with a line feed', 'X: 1\nContent-Length: 0', hidden],
  ['a carriage return in a header', 'X: 1\rContent-Length: 0', hidden],
  ['a NUL in a header', 'X: 1\0\r\nContent-Length: 0', hidden],
  ['a chunk size that is no number', 'Transfer-Encoding: chunked', `x\r\n\r\n${hidden}`],
  ['a chunk size with a sign', 'Transfer-Encoding: chunked', `-1\r\n\r\n${hidden}`],
  ['a chunk that is longer than its size', 'Transfer-Encoding: chunked', `1\r\nxx\r\n0\r\n\r\n${hidden}`],
  ['a chunk that ends with a line feed', 'Transfer-Encoding: chunked', `1\nx\n0\n\n${hidden}`],
  [
    'an endless chunk extension',
    'Transfer-Encoding: chunked',
    `1;${'x'.repeat(20_000)}\r\nx\r\n0\r\n\r\n${hidden}`,
  ],
]

function request(headers: string, body: string): string {
  return `POST /v2/a/blobs/uploads/?digest=x HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n\r\n${body}`
}

describe('a request with an ambiguous frame', () => {
  it.each(ambiguous)('contains no second request: %s', async (_name, headers, body) => {
    const { port, image, call, log } = await started()
    await image('a', 'layer', '1')
    log.length = 0
    const answer = await sendRaw(port, request(headers, body)).answer
    expect([400, 413]).toContain(statusIn(answer))
    expect(log.filter(({ method }) => method === 'DELETE')).toEqual([])
    expect((await call('GET', '/v2/a/manifests/1')).status).toBe(200)
  })
})

it('NODE_OPTIONS cannot make dray serve accept ambiguous requests', async () => {
  const running = startDray(['serve'], { env: { NODE_OPTIONS: '--insecure-http-parser' } })
  const port = Number(/127\.0\.0\.1:(\d+)/.exec(await running.seen(/is ready/))?.[1])
  for (const [, headers, body] of ambiguous) {
    expect([400, 413]).toContain(statusIn(await sendRaw(port, request(headers, body)).answer))
  }
})
