// Sends events of a web page to Hogsend, and reads and changes its visitor's preferences.
//
//   <script src="https://mail.example.com/hogsend.js" data-key="pk_…" async></script>
//
// docs/browser.md is the guide.
(function () {
  "use strict";

  var ANONYMOUS_ID = "hs_anon_id";
  var QUEUE = "hs_queue";
  var MAX_QUEUED = 200;
  var FLUSH_AFTER = 100;
  var MAX_RETRIES = 5;

  var tag = document.currentScript;
  var attributes = (tag && tag.dataset) || {};
  var earlier = window.hogsend;
  var key = attributes.key || "";
  var host = (attributes.host || (tag && tag.src ? new URL(tag.src).origin : "")).replace(/\/+$/, "");
  var user = { id: attributes.userId || "", token: attributes.userToken || "" };
  var refreshToken = null;
  var memory = {};
  var timer = 0;
  var isLeft = false;
  var sending = Promise.resolve();

  // Storage can be forbidden; then the visitor is another one on the next page.
  function read(name) {
    try {
      return window.localStorage.getItem(name);
    } catch (error) {
      return memory[name] || null;
    }
  }

  function write(name, value) {
    memory[name] = value;
    try {
      window.localStorage.setItem(name, value);
    } catch (error) {
      // Kept in memory only.
    }
  }

  function makeId() {
    if (window.crypto.randomUUID) return window.crypto.randomUUID();
    var bytes = window.crypto.getRandomValues(new Uint8Array(16));
    bytes[6] = (bytes[6] & 15) | 64;
    bytes[8] = (bytes[8] & 63) | 128;
    var hex = Array.prototype.map.call(bytes, function (byte) {
      return (byte + 256).toString(16).slice(1);
    }).join("");
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
  }

  function getAnonymousId() {
    var id = read(ANONYMOUS_ID);
    if (!id) {
      id = makeId();
      write(ANONYMOUS_ID, id);
    }
    return id;
  }

  function readQueue() {
    try {
      var queue = JSON.parse(read(QUEUE) || "[]");
      return Array.isArray(queue) ? queue : [];
    } catch (error) {
      return [];
    }
  }

  function writeQueue(queue) {
    write(QUEUE, JSON.stringify(queue.slice(-MAX_QUEUED)));
  }

  function removeFromQueue(event) {
    writeQueue(readQueue().filter(function (other) {
      return other.idempotencyKey !== event.idempotencyKey;
    }));
  }

  function wait(milliseconds) {
    return new Promise(function (resolve) {
      setTimeout(resolve, milliseconds);
    });
  }

  // -- requests ---------------------------------------------------------------------------------

  function request(method, path, body) {
    var headers = { Authorization: "Bearer " + key };
    if (body) headers["Content-Type"] = "application/json";
    return fetch(host + path, {
      method: method,
      headers: headers,
      body: body ? JSON.stringify(body) : undefined,
      credentials: "omit",
    });
  }

  function isPassing(status) {
    return status === 429 || status >= 500;
  }

  // Returns the answer as JSON; retries what may pass, and refreshes an expired token once.
  function call(method, path, body, retries, refreshed) {
    retries = retries || 0;
    return request(method, path, body).then(
      function (response) {
        return response.json().catch(function () {
          return {};
        }).then(function (answer) {
          if (response.ok) return answer;
          if (isPassing(response.status)) return retry(response.status, answer);
          var message = String(answer.error || "");
          if (response.status === 403 && /usertoken/i.test(message) && refreshToken && !refreshed) {
            return Promise.resolve(refreshToken()).then(function (token) {
              user.token = token || "";
              return call(method, withToken(path), body && withUser(body), retries, true);
            });
          }
          throw makeError(response.status, message);
        });
      },
      function () {
        return retry(0, {});
      }
    );

    function retry(status, answer) {
      if (retries >= MAX_RETRIES) throw makeError(status, String(answer.error || "no answer"));
      return wait(Math.min(200 * Math.pow(2, retries), 5000)).then(function () {
        return call(method, path, body, retries + 1, refreshed);
      });
    }
  }

  function makeError(status, message) {
    var error = new Error("Hogsend: " + status + " " + message);
    error.status = status;
    return error;
  }

  function withUser(body) {
    var result = Object.assign({}, body);
    if (user.id && user.token) {
      result.userId = user.id;
      result.userToken = user.token;
    }
    return result;
  }

  function describeVisitor() {
    return user.id && user.token
      ? { userId: user.id, userToken: user.token }
      : { anonymousId: getAnonymousId() };
  }

  function addQuery(path) {
    return path + "?" + new URLSearchParams(describeVisitor()).toString();
  }

  function withToken(path) {
    return path.indexOf("?") < 0 ? path : addQuery(path.split("?")[0]);
  }

  // -- events -----------------------------------------------------------------------------------

  function capture(name, properties, options) {
    var event = Object.assign({}, options, {
      name: name,
      eventProperties: properties || {},
      anonymousId: getAnonymousId(),
      idempotencyKey: (options && options.idempotencyKey) || makeId(),
      timestamp: (options && options.timestamp) || new Date().toISOString(),
    });
    event = withUser(event);
    writeQueue(readQueue().concat([event]));
    if (isLeft) sendAtOnce();
    else if (!timer) timer = setTimeout(flush, FLUSH_AFTER);
  }

  // Sends what is queued, one event after another, so that their order stays.
  function flush() {
    clearTimeout(timer);
    timer = 0;
    sending = sending.then(sendNext);
    return sending;
  }

  function sendNext() {
    var event = readQueue()[0];
    if (!event) return undefined;
    return call("POST", "/v1/events", event).then(
      function () {
        removeFromQueue(event);
        return sendNext();
      },
      function (error) {
        // An event that is refused for good would hold up all others.
        if (error.status && !isPassing(error.status)) {
          removeFromQueue(event);
          return sendNext();
        }
        return undefined;
      }
    );
  }

  // A page that is left has no time for answers. What is sent twice is stored once, by its key.
  // Plain text, because browsers first ask a server of another origin whether it takes JSON.
  function sendAtOnce() {
    readQueue().forEach(function (event) {
      var blob = new Blob([JSON.stringify(event)], { type: "text/plain" });
      navigator.sendBeacon(host + "/v1/events?key=" + encodeURIComponent(key), blob);
    });
  }

  // -- the visitor ------------------------------------------------------------------------------

  function identify(userId, options) {
    options = options || {};
    user = { id: String(userId), token: options.userToken || user.token };
    var body = { userId: user.id, anonymousId: getAnonymousId(), userToken: user.token };
    if (options.properties) body.properties = options.properties;
    return call("PUT", "/v1/contacts", body);
  }

  function reset() {
    user = { id: "", token: "" };
    write(ANONYMOUS_ID, makeId());
  }

  function changeList(id, action) {
    var path = "/v1/lists/" + encodeURIComponent(id) + "/" + action;
    return call("POST", path, describeVisitor());
  }

  window.hogsend = {
    capture: capture,
    flush: flush,
    identify: identify,
    reset: reset,
    getAnonymousId: getAnonymousId,
    me: function () {
      return call("GET", addQuery("/v1/contacts/me"));
    },
    lists: function () {
      return call("GET", addQuery("/v1/lists"));
    },
    preferences: function () {
      return call("GET", addQuery("/v1/lists/preferences"));
    },
    subscribe: function (id) {
      return changeList(id, "subscribe");
    },
    unsubscribe: function (id) {
      return changeList(id, "unsubscribe");
    },
    unsubscribeAll: function (isUnsubscribed) {
      var body = Object.assign({ unsubscribedAll: isUnsubscribed !== false }, describeVisitor());
      return call("POST", "/v1/lists/preferences", body);
    },
    // The function returns a new token, or a promise of it, when the server refuses the present one.
    onTokenExpired: function (refresh) {
      refreshToken = refresh;
    },
    // For pages that do not set the tag's attributes.
    init: function (options) {
      key = options.key || key;
      host = (options.host || host).replace(/\/+$/, "");
      user = { id: options.userId || user.id, token: options.userToken || user.token };
      flush();
    },
  };

  window.addEventListener("pagehide", function () {
    isLeft = true;
    sendAtOnce();
  });
  // Back brings a page out of the browser's cache.
  window.addEventListener("pageshow", function () {
    isLeft = false;
  });
  // Calls that the page made before this script had arrived.
  (Array.isArray(earlier) ? earlier : []).forEach(function (entry) {
    window.hogsend[entry[0]].apply(null, entry.slice(1));
  });
  if (key && readQueue().length) flush();
})();
