import { get } from 'node:http'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { dray, startDray } from '../support/program.ts'
import { tempFolder } from '../support/temp.ts'

async function statusOf(url: string): Promise<number | undefined> {
  const [response] = await once(get(url, { agent: false }), 'response')
  response.resume()
  return response.statusCode
}

describe('dray serve', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)('runs a registry until %s, and ends with 0', async (signal) => {
    const running = startDray(['serve'])
    const output = await running.seen(/is ready/)
    const host = /127\.0\.0\.1:\d+/.exec(output)?.[0] ?? ''
    expect(await statusOf(`http://${host}/v2/`)).toBe(200)
    running.child.kill(signal)
    expect(await running.ended).toBe(0)
  })

  it('prints its address in one document with --json as soon as it listens', async () => {
    const running = startDray(['serve', '--json'])
    const document = JSON.parse(await running.seen(/^\}$/m)) as { result: { registry: string } }
    expect(document).toMatchObject({ schema: 'dray.result/v1', command: 'serve', ok: true })
    expect(await statusOf(`http://${document.result.registry}/v2/`)).toBe(200)
  })

  it('accepts only the users of --htpasswd', async () => {
    const file = join(await tempFolder(), 'htpasswd')
    await writeFile(file, 'ann:secret\n')
    const running = startDray(['serve', '--htpasswd', file])
    const host = /127\.0\.0\.1:\d+/.exec(await running.seen(/is ready/))?.[0] ?? ''
    expect(await statusOf(`http://${host}/v2/`)).toBe(401)
    expect(await statusOf(`http://ann:secret@${host}/v2/`)).toBe(200)
  })

  it('exits with 1 if the port is in use', async () => {
    const running = startDray(['serve'])
    const port = /127\.0\.0\.1:(\d+)/.exec(await running.seen(/is ready/))?.[1] ?? ''
    const ended = await dray(['serve', '--port', port])
    expect(ended.code).toBe(1)
    expect(ended.stderr).toContain('another program uses this port')
  })

  it('exits with 1 after --timeout', async () => {
    const ended = await dray(['serve', '--timeout', '50ms'])
    expect(ended.code).toBe(1)
    expect(ended.stderr).toContain('time limit')
  })
})
