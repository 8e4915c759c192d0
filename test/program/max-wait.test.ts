import { expect, it, onTestFinished } from 'vitest'
import { dray } from '../support/program.ts'
import { scriptedServer } from '../support/scripted-server.ts'

async function closedFor(seconds: number): Promise<string> {
  const server = await scriptedServer((_, response) => {
    response.writeHead(429, { 'retry-after': String(seconds) }).end()
  })
  onTestFinished(() => server[Symbol.asyncDispose]())
  return server.host
}

it('a Retry-After of more than five minutes ends the run and names --max-wait', async () => {
  const ended = await dray(['ls', `${await closedFor(301)}/team/api`])
  expect(ended).toMatchObject({ code: 1, stdout: '' })
  expect(ended.stderr).toMatch(/accepts no requests until \d{4}-\d\d-\d\dT/)
  expect(ended.stderr).toContain('--max-wait')
})

it.each([
  ['--max-wait 10m', ['--max-wait', '10m'], {}],
  ['DRAY_MAX_WAIT=10m', [], { DRAY_MAX_WAIT: '10m' }],
])('%s waits longer, and reports the wait', async (_, flags, env) => {
  const repository = `${await closedFor(301)}/team/api`
  const ended = await dray(['ls', repository, '--timeout', '1500ms', ...flags], { env })
  expect(ended.code).toBe(1)
  expect(ended.stderr).toContain('limits requests. dray continues in 5 min 1 s.')
})
