import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'

/** The name of the installed browser; undefined if there is none. */
export const chromium: string | undefined = ['chromium', 'chromium-browser', 'google-chrome'].find(
  (name) => spawnSync(name, ['--version'], { stdio: 'ignore' }).status === 0,
)

interface Message {
  readonly id?: number
  readonly method?: string
  readonly params?: Readonly<Record<string, unknown>>
  readonly result?: Readonly<Record<string, unknown>>
  readonly error?: { readonly message: string }
  readonly sessionId?: string
}

/** How a page is shown. */
export interface View {
  readonly width: number
  readonly scheme: 'light' | 'dark'
  readonly media: 'screen' | 'print'
}

/**
 * A headless Chromium with one page, without a network. It is driven over a pipe (the DevTools
 * protocol), because a port could be used by another process.
 */
export class Browser implements AsyncDisposable {
  /** console messages, exceptions, reports of the content security policy, and requests */
  readonly events: string[] = []
  readonly #process: ChildProcess
  readonly #profile: string
  readonly #waiting = new Map<number, (message: Message) => void>()
  readonly #listeners = new Set<(message: Message) => void>()
  #session: string | undefined
  #lastId = 0

  private constructor(command: string) {
    this.#profile = mkdtempSync(join(tmpdir(), 'dray-chromium-'))
    const options = [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-dev-shm-usage',
      '--disable-background-networking',
      '--no-first-run',
      '--hide-scrollbars',
      '--remote-debugging-pipe',
      `--user-data-dir=${this.#profile}`,
      'about:blank',
    ]
    this.#process = spawn(command, options, { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] })
    let rest = ''
    ;(this.#process.stdio[4] as Readable).on('data', (chunk: Buffer) => {
      const parts = (rest + chunk.toString()).split('\0')
      rest = parts.pop() ?? ''
      for (const part of parts) this.#receive(JSON.parse(part) as Message)
    })
  }

  /** Starts the browser with a page whose scripts are off. */
  static async start(command: string): Promise<Browser> {
    const browser = new Browser(command)
    const { targetId } = await browser.send('Target.createTarget', { url: 'about:blank' })
    const { sessionId } = await browser.send('Target.attachToTarget', { targetId, flatten: true })
    browser.#session = String(sessionId)
    for (const domain of ['Page', 'Runtime', 'Log', 'Network']) await browser.send(`${domain}.enable`)
    await browser.send('Emulation.setScriptExecutionDisabled', { value: true })
    await browser.send('Network.emulateNetworkConditions', {
      offline: true,
      latency: 0,
      downloadThroughput: 0,
      uploadThroughput: 0,
    })
    return browser
  }

  /** Opens a file and waits for its load event. */
  async open(file: string): Promise<void> {
    const loaded = new Promise<void>((resolve) => {
      const listener = (message: Message): void => {
        if (message.method !== 'Page.loadEventFired') return
        this.#listeners.delete(listener)
        resolve()
      }
      this.#listeners.add(listener)
    })
    await this.send('Page.navigate', { url: `file://${file}` })
    await loaded
  }

  async show({ width, scheme, media }: View): Promise<void> {
    await this.send('Emulation.setDeviceMetricsOverride', {
      width,
      height: 900,
      deviceScaleFactor: 1,
      mobile: false,
    })
    const features = [{ name: 'prefers-color-scheme', value: scheme }]
    await this.send('Emulation.setEmulatedMedia', { media, features })
  }

  /** Returns the size of the content in CSS pixels. */
  async contentSize(): Promise<{ readonly width: number; readonly height: number }> {
    const { cssContentSize } = await this.send('Page.getLayoutMetrics')
    return cssContentSize as { width: number; height: number }
  }

  /** Returns a PNG of the whole page, or of a part of it. */
  async screenshot(part: { readonly top?: number; readonly height?: number } = {}): Promise<Buffer> {
    const size = await this.contentSize()
    const { top: y = 0, height = size.height - y } = part
    const { data } = await this.send('Page.captureScreenshot', {
      captureBeyondViewport: true,
      clip: { x: 0, y, width: size.width, height, scale: 1 },
    })
    return Buffer.from(String(data), 'base64')
  }

  /** Returns a PDF of A4 pages. */
  async pdf(): Promise<Buffer> {
    const { data } = await this.send('Page.printToPDF', { preferCSSPageSize: true, printBackground: false })
    return Buffer.from(String(data), 'base64')
  }

  /** Sends a command of the DevTools protocol. */
  async send(method: string, params: object = {}): Promise<Readonly<Record<string, unknown>>> {
    const id = ++this.#lastId
    const sessionId = this.#session
    const answer = new Promise<Message>((resolve) => this.#waiting.set(id, resolve))
    const input = this.#process.stdio[3] as Writable
    input.write(`${JSON.stringify({ id, method, params, ...(sessionId !== undefined && { sessionId }) })}\0`)
    const { result = {}, error } = await answer
    if (error !== undefined) throw new Error(`${method}: ${error.message}`)
    return result
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#process, 'exit')
    this.#process.kill('SIGKILL')
    await ended
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 5 })
  }

  #receive(message: Message): void {
    if (message.id !== undefined) {
      this.#waiting.get(message.id)?.(message)
      this.#waiting.delete(message.id)
      return
    }
    for (const listener of this.#listeners) listener(message)
    const { method, params } = message
    const isMessage = method === 'Runtime.consoleAPICalled' || method === 'Runtime.exceptionThrown'
    if (isMessage || method === 'Log.entryAdded') this.events.push(`${method} ${JSON.stringify(params)}`)
    if (method !== 'Network.requestWillBeSent') return
    const { url } = (params?.['request'] ?? {}) as { readonly url?: string }
    this.events.push(`request ${url}`)
  }
}
