import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { signature } from '../support/gates/attached.ts'
import { newSigner } from '../support/gates/test-signer.ts'
import { image, together } from '../support/images.ts'
import { toProd, workplace } from '../support/workplace.ts'
import { configOf, watchedRegistry } from '../support/world.ts'

it('a run that is killed between its gates and its first record has written nothing, and the next run judges again', async () => {
  const build = newSigner()
  const api = image({ label: 'api' })
  let kill = (): void => undefined
  // The signature is the last read of the gates, and the first write follows the first record.
  await using registry = await watchedRegistry({
    onRequest: ({ method, path }) => {
      if (method === 'GET' && path.includes('/staging/api/blobs/')) kill()
    },
  })
  const { oracle, host } = registry
  await oracle.push(together(api, signature(api, build)), 'staging/api', '1.4.2')
  const { environments, ...rest } = JSON.parse(configOf(host)) as { environments: { prod: object } }
  const gates = [{ name: 'signed', signature: { signedBy: ['build'] } }]
  const signers = { build: { keys: ['build.pub'] } }
  const prod = { ...environments.prod, gates }
  const here = await workplace(JSON.stringify({ ...rest, signers, environments: { ...environments, prod } }))
  await writeFile(join(here.folder, 'build.pub'), build.publicKeyPem)

  const running = here.start(...toProd('api:1.4.2'))
  kill = () => void running.child.kill('SIGKILL')
  expect(await running.ended).toBeNull()
  kill = () => undefined
  await expect(readFile(here.auditFile, 'utf8')).rejects.toThrow('ENOENT')
  expect(await oracle.digest('prod/api', api.root.digest)).toBeUndefined()

  const { code, stdout } = await here.run(...toProd('api:1.4.2'))
  expect(stdout).toContain('1 gate passed')
  expect(code).toBe(0)
  expect(await oracle.complaints('prod/api', '1.4.2')).toEqual([])
})
