// What every page needs. Pages work without JavaScript; these modules make them quicker to use.

import "./mailed-link.js";
import "./notices.js";
import "./live-regions.js";
import "./focus.js";
import "./menus.js";
import "./busy-buttons.js";
import "./show-password.js";
import "./polling.js";
import "./lost-connection.js";
