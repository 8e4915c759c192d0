import {
  chmod,
  link,
  lstat,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readEditable, writeEdited } from '../../../src/deployments/edit/write-edited.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import { tempFolder } from '../../support/temp.ts'

const before = 'image: x:1\n'
const after = Buffer.from('image: x:2\n')
const expected = digestOf(before)

async function repository(): Promise<string> {
  const root = await tempFolder()
  await mkdir(join(root, 'apps'))
  await writeFile(join(root, 'apps', 'a.yaml'), before)
  return root
}

describe('an edited file', () => {
  it('is replaced and keeps its permissions, without the umask', async () => {
    const root = await repository()
    const path = join(root, 'apps', 'a.yaml')
    await chmod(path, 0o666)
    expect(await writeEdited({ root, path: 'apps/a.yaml', expected, bytes: after })).toBe('written')
    expect(await readFile(path)).toEqual(after)
    expect((await stat(path)).mode & 0o7777).toBe(0o666)
    expect(await readdir(join(root, 'apps'))).toEqual(['a.yaml'])
  })

  it.runIf(process.getuid?.() === 0)('keeps its owner if root edits it', async () => {
    const root = await repository()
    const path = join(root, 'apps', 'a.yaml')
    const { chown } = await import('node:fs/promises')
    await chown(path, 12345, 23456)
    await chmod(path, 0o2755)
    await writeEdited({ root, path, expected, bytes: after })
    expect(await stat(path)).toMatchObject({ uid: 12345, gid: 23456, mode: 0o102755 })
  })

  it('is not touched if it has the new bytes already', async () => {
    const root = await repository()
    const path = join(root, 'apps', 'a.yaml')
    await writeFile(path, after)
    const old = await stat(path, { bigint: true })
    expect(await writeEdited({ root, path, expected, bytes: after })).toBe('unchanged')
    const now = await stat(path, { bigint: true })
    expect([now.ino, now.mtimeNs, now.ctimeNs]).toEqual([old.ino, old.mtimeNs, old.ctimeNs])
  })

  it('is not replaced if it has other bytes', async () => {
    const root = await repository()
    const path = join(root, 'apps', 'a.yaml')
    await writeFile(path, 'image: y:1\n')
    await expect(writeEdited({ root, path, expected, bytes: after })).rejects.toMatchObject({
      code: 'conflict',
      hint: 'Run the command again.',
    })
    expect(await readFile(path, 'utf8')).toBe('image: y:1\n')
    expect(await readdir(join(root, 'apps'))).toEqual(['a.yaml'])
  })

  it('behind a link within the root is edited, and the link stays', async () => {
    const root = await repository()
    await symlink('apps', join(root, 'current'))
    await symlink('a.yaml', join(root, 'apps', 'b.yaml'))
    expect(await writeEdited({ root, path: 'current/b.yaml', expected, bytes: after })).toBe('written')
    expect(await readFile(join(root, 'apps', 'a.yaml'))).toEqual(after)
    expect((await lstat(join(root, 'apps', 'b.yaml'))).isSymbolicLink()).toBe(true)
  })

  it('leaves another hard link of the file unchanged', async () => {
    const root = await repository()
    await link(join(root, 'apps', 'a.yaml'), join(root, 'copy.yaml'))
    await writeEdited({ root, path: 'apps/a.yaml', expected, bytes: after })
    expect(await readFile(join(root, 'copy.yaml'), 'utf8')).toBe(before)
  })

  it('may be in a root that is named by a link', async () => {
    const root = await repository()
    const other = await tempFolder()
    await symlink(root, join(other, 'root'))
    const path = join(other, 'root', 'apps', 'a.yaml')
    expect(await writeEdited({ root: join(other, 'root'), path, expected, bytes: after })).toBe('written')
  })
})

describe('a file is refused', () => {
  it.each(['file', 'folder'])('if a link of a %s leads out of the root', async (kind) => {
    const root = await repository()
    const other = await repository()
    const isFile = kind === 'file'
    await symlink(join(other, 'apps', ...(isFile ? ['a.yaml'] : [])), join(root, 'link'))
    const path = isFile ? 'link' : 'link/a.yaml'
    const refused = { code: 'refused', message: `cannot edit ${path}` }
    await expect(readEditable(root, path)).rejects.toMatchObject(refused)
    await expect(writeEdited({ root, path, expected, bytes: after })).rejects.toMatchObject(refused)
    expect(await readFile(join(other, 'apps', 'a.yaml'), 'utf8')).toBe(before)
  })

  it('if its path leads out of the root', async () => {
    const root = await repository()
    await expect(readEditable(join(root, 'apps'), '../apps')).rejects.toMatchObject({ code: 'refused' })
    await writeFile(join(root, 'b.yaml'), before)
    await expect(readEditable(join(root, 'apps'), '../b.yaml')).rejects.toMatchObject({ code: 'refused' })
  })

  it('if it belongs to git, also behind a link', async () => {
    const root = await repository()
    await mkdir(join(root, '.git'))
    await writeFile(join(root, '.git', 'config'), before)
    await symlink('.git/config', join(root, 'a.yaml'))
    await expect(readEditable(root, 'a.yaml')).rejects.toMatchObject({
      code: 'refused',
      why: 'it leads to a file of git',
    })
  })

  it('if it is larger than 16 MiB', async () => {
    const root = await repository()
    await writeFile(join(root, 'a.yaml'), Buffer.alloc(16 * 2 ** 20 + 1))
    await expect(readEditable(root, 'a.yaml')).rejects.toMatchObject({ code: 'refused' })
  })

  it('if it is missing, or a folder', async () => {
    const root = await repository()
    await expect(readEditable(root, 'b.yaml')).rejects.toMatchObject({ code: 'not-found' })
    await expect(readEditable(root, 'apps')).rejects.toMatchObject({ code: 'io' })
  })
})

describe('a file that changes during the write', () => {
  /** Changes the folder when the new content is on disk, and before the rename. */
  async function writeWhile(root: string, change: () => Promise<void>): Promise<unknown> {
    const folder = join(root, 'apps')
    const writing = writeEdited({ root, path: 'apps/a.yaml', expected, bytes: after, beforeCheck: change })
    const error: unknown = await writing.then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    expect((await readdir(folder)).filter((name) => name.endsWith('.tmp'))).toEqual([])
    return error
  }

  it('is a conflict if another program writes it', async () => {
    const root = await repository()
    const path = join(root, 'apps', 'a.yaml')
    expect(await writeWhile(root, () => writeFile(path, 'image: y:1\n'))).toMatchObject({ code: 'conflict' })
    expect(await readFile(path, 'utf8')).toBe('image: y:1\n')
  })

  it('is refused if its folder becomes a link out of the root', async () => {
    const root = await repository()
    const other = await repository()
    const error = await writeWhile(root, async () => {
      await rename(join(root, 'apps'), join(root, 'old'))
      await symlink(join(other, 'apps'), join(root, 'apps'))
    })
    expect(error).toMatchObject({ code: 'refused' })
    expect(await readFile(join(other, 'apps', 'a.yaml'), 'utf8')).toBe(before)
    await rm(join(root, 'old'), { recursive: true })
  })
})
