import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  findCertificateFolders,
  certificatesIn,
  loadRegistrySettings,
} from '../../../src/cli/wiring/certificates.ts'
import { emptyConfig } from '../../../src/config/config.ts'
import { tempFolder } from '../../support/temp.ts'
import { testAuthority, testCertificate } from '../../support/tls.ts'

const registry = 'r.test:5000'

/** A folder of certificates for r.test:5000. */
async function folderWith(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await tempFolder()
  await mkdir(join(folder, registry))
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, registry, name), text)
  return folder
}

const pair = { 'client.cert': testCertificate.cert, 'client.key': testCertificate.key }

describe('the certificates of a registry', () => {
  it('are found in the folders of podman and docker', () => {
    expect(findCertificateFolders('/home/me')).toEqual([
      '/home/me/.config/containers/certs.d',
      '/etc/containers/certs.d',
      '/etc/docker/certs.d',
    ])
  })

  it('are its authorities and a client certificate', async () => {
    const folder = await folderWith({ 'a.crt': testAuthority, 'b.crt': testAuthority, ...pair, README: 'x' })
    expect(await certificatesIn([folder], registry)).toEqual({
      ca: `${testAuthority}\n${testAuthority}`,
      clientCertificate: testCertificate,
    })
    expect(await certificatesIn([folder], 'r.test')).toEqual({})
  })

  it.each(['..', '.', '../r.test:5000'])(
    'are read from no other folder for a host called %s',
    async (host) => {
      const folder = await folderWith({ 'a.crt': testAuthority })
      await writeFile(join(folder, 'a.crt'), testAuthority)
      expect(await certificatesIn([join(folder, registry)], host)).toEqual({})
    },
  )

  it('come only from the first existing folder', async () => {
    const [first, second] = [await folderWith({}), await folderWith({ 'a.crt': testAuthority })]
    expect(await certificatesIn(['/nowhere', second], registry)).toEqual({ ca: testAuthority })
    expect(await certificatesIn([first, second], registry)).toEqual({})
  })

  it.each([
    ['a certificate without its key', { 'client.cert': testCertificate.cert }, 'has no key'],
    ['a key without its certificate', { 'client.key': 'canary' }, 'a key has no certificate'],
    ['a key of another name', { 'client.cert': testCertificate.cert, 'other.key': 'canary' }, 'has no key'],
    ['an invalid key', { ...pair, 'client.key': 'canary' }, 'cannot be used'],
    ['an invalid certificate', { ...pair, 'client.cert': 'canary' }, 'cannot be used'],
  ])('with %s are an error that contains no part of them', async (_, files, message) => {
    const reading = certificatesIn([await folderWith(files)], registry)
    await expect(reading).rejects.toMatchObject({ code: 'config', message: expect.stringContaining(message) })
    await expect(reading).rejects.not.toThrow(/canary/)
  })

  it('can be named in dray.yaml, with a variable for the password of a key', async () => {
    const folder = await folderWith(pair)
    const pathOf = (name: string): string => join(folder, registry, name)
    const clientCertificate = {
      cert: pathOf('client.cert'),
      key: pathOf('client.key'),
      passwordEnv: 'KEY_PASSWORD',
    }
    const config = { ...emptyConfig, registries: new Map([[registry, { clientCertificate }]]) }
    const settings = await loadRegistrySettings(config, { KEY_PASSWORD: 'secret' })
    expect(settings.get(registry)).toEqual({
      clientCertificate: { ...testCertificate, passphrase: 'secret' },
    })
    const missing = new Map([[registry, { ca: '/nowhere/ca.pem' }]])
    await expect(loadRegistrySettings({ ...emptyConfig, registries: missing }, {})).rejects.toMatchObject({
      code: 'config',
      subject: '/nowhere/ca.pem',
      hint: `Correct registries.${registry}.ca in dray.yaml.`,
    })
  })
})
