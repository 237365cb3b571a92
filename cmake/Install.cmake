# Install: headers, libraries, the command, a CMake package and two pkg-config files.
#
# <openssl/ssl.h> goes below include/handfast-openssl and never straight into the prefix, where it would shadow OpenSSL
# for the whole machine.  Whoever uses the package gets three directories in this order: that one, BoringSSL's, the
# prefix's own (which may hold an OpenSSL).

include(CMakePackageConfigHelpers)

set(HF_OPENSSL_INCLUDE ${CMAKE_INSTALL_INCLUDEDIR}/handfast-openssl)
set(HF_PACKAGE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/handfast)

install(DIRECTORY include/handfast/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/handfast
  FILES_MATCHING PATTERN "*.h" PATTERN "*.def")
install(DIRECTORY include/openssl/ DESTINATION ${HF_OPENSSL_INCLUDE}/openssl FILES_MATCHING PATTERN "*.h")

set(installed "")
foreach(target IN ITEMS handfast handfast_static handfast_ssl handfast_ssl_static)
  if(TARGET ${target})
    get_target_property(aliased ${target} ALIASED_TARGET)
    if(NOT aliased)
      list(APPEND installed ${target})
      set_target_properties(${target} PROPERTIES INSTALL_RPATH "$ORIGIN;${BoringSSL_RPATH}")
      if(target MATCHES "ssl")
        # Before BoringSSL's own, in whatever order one links: a package's directories are -isystem, and -I precedes them.
        target_compile_options(${target} INTERFACE $<INSTALL_INTERFACE:-I$<INSTALL_PREFIX>/${HF_OPENSSL_INCLUDE}>)
      endif()
      target_include_directories(${target} INTERFACE
        $<INSTALL_INTERFACE:$<TARGET_PROPERTY:BoringSSL::Crypto,INTERFACE_INCLUDE_DIRECTORIES>>
        $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
    endif()
  endif()
endforeach()
if(NOT installed)
  return()
endif()
install(TARGETS ${installed} EXPORT handfast-targets
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
if(TARGET handfast_tool)
  set_target_properties(handfast_tool PROPERTIES INSTALL_RPATH "${BoringSSL_RPATH}")
  install(TARGETS handfast_tool RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()

install(EXPORT handfast-targets NAMESPACE handfast:: DESTINATION ${HF_PACKAGE_DIR})
configure_package_config_file(cmake/handfast-config.cmake.in handfast-config.cmake
  INSTALL_DESTINATION ${HF_PACKAGE_DIR} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(handfast-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/handfast-config.cmake ${PROJECT_BINARY_DIR}/handfast-config-version.cmake
  cmake/FindBoringSSL.cmake DESTINATION ${HF_PACKAGE_DIR})

# The pkg-config files find the prefix from where they stand, so that it can be chosen, or moved, after the build.
file(RELATIVE_PATH HF_PC_PREFIX "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
string(REGEX REPLACE "/$" "" HF_PC_PREFIX "${HF_PC_PREFIX}")
get_filename_component(HF_PC_CRYPTO_DIR "${BoringSSL_CRYPTO_LIBRARY}" DIRECTORY)
set(HF_PC_CRYPTO "-lcrypto")
if(BoringSSL_IS_STATIC)
  string(APPEND HF_PC_CRYPTO " -lstdc++ -pthread")
endif()
if(BoringSSL_RPATH)
  string(APPEND HF_PC_CRYPTO " -Wl,-rpath,${BoringSSL_RPATH}")
endif()
# Who links the static library alone needs what it needs.
set(HF_PC_SSL_LIBS "")
if(NOT HF_SHARED)
  set(HF_PC_SSL_LIBS "${HF_PC_COMPRESSION}")
endif()
foreach(name IN ITEMS handfast handfast_ssl)
  configure_file(cmake/${name}.pc.in ${name}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/${name}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endforeach()
