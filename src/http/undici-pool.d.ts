/**
 * undici's pool on its own: the package's entry loads all of it (fetch, WebSocket, mocks, caches), which costs three times as long at start.
 */
declare module 'undici/lib/dispatcher/pool.js' {
  export { Pool as default } from 'undici'
}
